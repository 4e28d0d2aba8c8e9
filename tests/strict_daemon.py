"""The daemon with BlockBuster: a call of ours that blocks the event loop raises, right where it is made."""

import os
import sys
import traceback
from typing import NoReturn

from blockbuster import BlockBuster

from archipelago.daemon import main
from support.cheap_passwords import make_passwords_cheap
from support.cheap_repository import make_new_ones_cheap
from support.kept_archives import keep_archives
from support.kept_images import keep_own_images
from support.roomy_disk import find_room


def run() -> int:
    """Run the daemon and return its exit code."""
    keep_archives()
    keep_own_images()
    find_room()
    make_new_ones_cheap()
    make_passwords_cheap()
    strict = BlockBuster("archipelago")
    strict.activate()
    strict.functions["os.path.abspath"].deactivate()  # asks for no more than the working directory
    for function in strict.functions.values():
        # Nobody is served yet.
        function.can_block_in("archipelago/node/node.py", {"__init__", "start"})
        # Words for the owner's terminal, and the log.
        function.can_block_in("archipelago/daemon.py", {"_greet", "_stop", "_say", "_unlocked"})
        function.can_block_in("structlog/_output.py", {"msg"})
        function.can_block_in("kept_archives.py", {"run_tool"})
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end_with_daemon() -> NoReturn:
    """Run the daemon, and end the process with its exit code."""
    exit_code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)  # with what BlockBuster has put in their place, builtins crash while Python is torn down


if __name__ == "__main__":
    end_with_daemon()
