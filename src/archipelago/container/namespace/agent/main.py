"""The main module of a small program that runs as root of the service user's user namespace (`podman unshare`).

It does what the daemon cannot from outside: knock at a container from within the container's own network namespace, set
the rules of that namespace's firewall, and own files as the users that containers run as. It reads one JSON request per
line and answers each with one JSON line; it ends when its input does. It is started with `python -I -c` and imports
little, since it stays in memory for ever.

Requests: `{"id": 1, "do": "tcp", "pid": 42, "host": "10.89.0.2", "port": 80, "timeout": 5}`, likewise `http` (with
`method`, `path`, `headers`, `body`), `exchange` (with the `text` that is sent) and `dns` (with the `name` that is
looked up); `firewall` (with `pid`, 0 for a
new namespace that ends with the request, and `rules` for nft(8)); `announce` (with `pid`); `passage`, `directory` and
`file` (with `path`, `uid`, `gid`, `mode`, `content`), `look` (with `path`, `uid`, `gid`, how many `ids` an app has,
and whether it is `divided`), `mounts` (what is mounted at a `path` or below it), `rename` (with `path` and `to`),
`remove`; `signal` (with `pid` and `signal`); `size` (with the `timeout` after which it returns what it has counted,
and whether it is `gentle`); in a volume, whose content is an app's, `find` (with `paths`, each a list of names),
`aside` and `discard` (with `names`, and the `suffix` that a name gets), `put` (with `names` of a file, and
`content`), `list` (with `names` of a folder, `after`, `limit` and `timeout`), `read` (with `names` of a file, `offset`
and `length`), `divide` (with the `part` that gets what is there, and `gid`), `await-change` (with `names`, the `known`
sign of the file, and the `timeout`) and `read-whole` (with `names` and the `limit`); `volume` (a `directory`, as a
subvolume where there are any); for snapshots `survey`, `can-clone`, `flush`, `copy` (with `to`, `method`, and the
`number` by which `stop-copy` finds it);
`each` (with `requests`, answered in order up to the first that fails: `answers`).
"""

import base64
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable

from archipelago.container.namespace.agent.browse import list_folder, read_piece
from archipelago.container.namespace.agent.copies import (
    can_clone,
    copy_volume,
    flush,
    stop_all_copies,
    stop_copy,
    survey,
)
from archipelago.container.namespace.agent.files import (
    inside,
    make_directory,
    make_passage,
    make_volume,
    measure,
    rename_directory,
    write_file,
)
from archipelago.container.namespace.agent.look import look_at
from archipelago.container.namespace.agent.mounts import mounts_at
from archipelago.container.namespace.agent.network import (
    announce,
    ask_http,
    ask_name_server,
    check_port,
    exchange,
    load_firewall,
)
from archipelago.container.namespace.agent.refused import Refused
from archipelago.container.namespace.agent.removal import remove
from archipelago.container.namespace.agent.streams import await_change, read_file
from archipelago.container.namespace.agent.volumes import discard, divide, is_there, put_file, set_aside

_MAX_AT_ONCE = 64


def main() -> None:
    """Serve requests until the input ends. Arguments: the directories below which files may be touched."""
    roots = tuple(os.path.realpath(root) for root in sys.argv[1:])
    output = threading.Lock()
    places = threading.BoundedSemaphore(_MAX_AT_ONCE)

    def serve(line: bytes) -> None:
        request = json.loads(line)
        answer = {"id": request["id"], **_tried(request, roots)}
        places.release()
        with output:
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    for line in sys.stdin.buffer:
        places.acquire()
        # A thread of its own: setns(2) changes the calling thread only, and the thread ends with its request.
        threading.Thread(target=serve, args=(line,), daemon=True).start()
    stop_all_copies()
    # A thread may be in the middle of an answer: Python would wait two seconds for its turn to flush, and then abort.
    os._exit(0)


def _send_signal(request: dict) -> dict:  # type: ignore[type-arg]
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(request["pid"]), int(request["signal"]))
    return {}


_OF_PROCESSES: dict[str, Callable[[dict], dict]] = {  # type: ignore[type-arg]
    "tcp": check_port,
    "http": ask_http,
    "exchange": exchange,
    "dns": ask_name_server,
    "firewall": load_firewall,
    "announce": announce,
    "signal": _send_signal,
    "stop-copy": lambda asked: stop_copy(asked["number"]),
}
_OF_FILES: dict[str, Callable[[str, dict], dict]] = {  # type: ignore[type-arg]
    "passage": lambda path, asked: make_passage(path, asked["gid"]),
    "directory": lambda path, asked: make_directory(path, asked["uid"], asked["gid"]),
    "volume": lambda path, asked: make_volume(path, asked["uid"], asked["gid"]),
    "look": look_at,
    "mounts": lambda path, asked: {"mounts": mounts_at(path)},
    "file": write_file,
    "rename": lambda path, asked: rename_directory(path, asked["to"]),
    "remove": lambda path, asked: remove(path),
    "size": lambda path, asked: measure(path, time.monotonic() + asked["timeout"], gentle=asked.get("gentle", False)),
    "find": lambda path, asked: {"found": [is_there(path, names) for names in asked["paths"]]},
    "aside": lambda path, asked: set_aside(path, asked["names"], asked["suffix"]),
    "put": lambda path, asked: put_file(path, asked["names"], base64.b64decode(asked["content"])),
    "await-change": await_change,
    "read-whole": read_file,
    "discard": lambda path, asked: discard(path, asked["names"]),
    "survey": lambda path, asked: survey(path, time.monotonic() + asked["timeout"]),
    "can-clone": lambda path, asked: can_clone(path),
    "copy": copy_volume,
    "flush": lambda path, asked: flush(path),
    "list": list_folder,
    "read": read_piece,
    "divide": lambda path, asked: divide(path, asked["part"], asked["gid"]),
}


def _tried(request: dict, roots: tuple) -> dict:  # type: ignore[type-arg]
    try:
        return {"ok": True, **_answer(request, roots)}
    except Exception as error:  # every failure is an answer
        return {"ok": False, "error": getattr(error, "strerror", None) or str(error) or type(error).__name__}


def _answer_each(requests: list, roots: tuple) -> list:  # type: ignore[type-arg]
    answers = []
    for request in requests:
        answers.append(_tried(request, roots))
        if not answers[-1]["ok"]:
            break
    return answers


def _answer(request: dict, roots: tuple) -> dict:  # type: ignore[type-arg]
    what = request["do"]
    if what == "each":
        return {"answers": _answer_each(request["requests"], roots)}
    if what in _OF_PROCESSES:
        return _OF_PROCESSES[what](request)
    if what not in _OF_FILES:
        raise Refused(f"unknown request {what!r}")
    if "to" in request:
        request = {**request, "to": inside(request["to"], roots)}
    return _OF_FILES[what](inside(request["path"], roots), request)


if __name__ == "__main__":
    main()
