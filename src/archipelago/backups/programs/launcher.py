"""The main module of a small program that runs one command as root of the service user's user namespace.

It reads one line of JSON, the order, from its standard input: the password and what else is secret are in it, so they
are on no command line and in no environment but the command's. Then it waits: when the input ends, because the daemon
cancels or is gone, it ends the command. It is started with `python -I -c`, and imports nothing of this project.

The order: `command`, `environment`, `folder` to start in; `password`, given to the command by a pipe whose name is in
`RESTIC_PASSWORD_FILE`; `files` (name -> text): in memory alone, and `{name}` in the command is the path of one; `log`,
the one of them whose text at the end is an error; `user` (two numbers) to run as; `counted`, to say now and then how
many bytes it has written; `held` (variable of the environment -> directory): it names the directory that was there at
the start, whatever is mounted or unmounted in its place meanwhile; `binds` (place below `root` -> directory): they
appear there in a mount namespace that nobody else sees. Volumes are an app's: what is mounted is the directory itself,
never where a link leads.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time

_NEW_NAMESPACE, _BIND, _PRIVATE = 0x20000, 0x1000, 0x4000 | 0x40000
"""Flags of unshare(2) and mount(2)."""
_DEATH_SIGNAL = 1
_NICE = 5
"""Apps come first."""
_LONGEST_LOG = 4096
_EVERY = 0.5
"""Seconds between two counts."""
_PATIENCE = 20.0
"""Seconds that a command gets to remove its locks."""


def main() -> None:
    """Carry out the order, and end as the command does."""
    order = json.loads(sys.stdin.buffer.readline())
    libc = ctypes.CDLL(None, use_errno=True)
    held = {name: _held(path) for name, path in order.get("held", {}).items()}
    if order.get("binds"):
        os.umask(0o022)  # an app's user passes through to its volume
        _arrange(libc, order["root"], order["binds"])
    os.umask(0o077)
    os.nice(_NICE)
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ") if name in os.environ}
    environment |= {"LC_ALL": "C.UTF-8", **order["environment"], **held}
    passed: tuple = ()  # type: ignore[type-arg]
    if order.get("password"):
        reader, writer = os.pipe()
        os.write(writer, order["password"].encode())
        os.close(writer)
        passed, environment["RESTIC_PASSWORD_FILE"] = (reader,), f"/proc/self/fd/{reader}"
    user, group = order.get("user") or (None, None)
    files = {name: _in_memory(text) for name, text in order.get("files", {}).items()}
    # Not /proc/self: what the command starts opens them too.
    paths = {name: f"/proc/{os.getpid()}/fd/{descriptor}" for name, descriptor in files.items()}
    child = subprocess.Popen(
        [_filled_in(word, paths) for word in order["command"]],
        cwd=order["folder"],
        env=environment,
        pass_fds=passed,
        stdin=subprocess.DEVNULL,
        user=user,
        group=group,
        extra_groups=None if group is None else (),
        preexec_fn=lambda: libc.prctl(_DEATH_SIGNAL, signal.SIGKILL),
        start_new_session=True,
    )
    ended = threading.Event()
    for descriptor in passed:
        os.close(descriptor)
    threading.Thread(target=_end_with_input, args=(child.pid, ended), daemon=True).start()
    if order.get("counted"):
        threading.Thread(target=_count, args=(child.pid,), daemon=True).start()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    ended.set()
    # Before its number is free again: what the command has left behind would keep the output open.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    if order.get("log"):
        os.write(2, os.pread(files[order["log"]], _LONGEST_LOG, 0))
    os._exit(code if code >= 0 else 128 - code)


def _held(path: str) -> str:
    """Return a name of a directory that leads to no other one for as long as this program runs."""
    try:
        return f"/proc/{os.getpid()}/fd/{os.open(path, os.O_PATH | os.O_DIRECTORY)}"
    except OSError:
        return path  # the command says what is wrong with it


def _in_memory(text: str) -> int:
    """Return a file that only this user can open, for as long as this program runs."""
    descriptor = os.memfd_create("archipelago")
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, text.encode())
    return descriptor


def _filled_in(word: str, paths: "dict[str, str]") -> str:
    for name, path in paths.items():
        word = word.replace(f"{{{name}}}", path)
    return word


def _end_with_input(command: int, ended: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    if not ended.is_set():
        os.kill(command, signal.SIGINT)
    if not ended.wait(_PATIENCE):
        os.kill(command, signal.SIGKILL)


def _count(pid: int) -> None:
    while True:
        time.sleep(_EVERY)
        try:
            with open(f"/proc/{pid}/io") as figures:
                written = next(line.split()[1] for line in figures if line.startswith("wchar:"))
        except (OSError, StopIteration):
            return
        print(json.dumps({"message_type": "written", "bytes": int(written)}), flush=True)


def _arrange(libc, root, binds) -> None:  # type: ignore[no-untyped-def]
    def mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
        words = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
        if libc.mount(*words, ctypes.c_ulong(flags), b"mode=0755" if kind == "tmpfs" else None):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), target)

    if libc.unshare(_NEW_NAMESPACE):
        raise OSError(ctypes.get_errno(), "a mount namespace cannot be made")
    mount(None, "/", None, _PRIVATE)
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
    # Before anything is mounted over what may be on the way to them.
    sources = {place: os.open(path, flags) for place, path in binds.items()}
    mount("tmpfs", root, "tmpfs", 0)
    for place, descriptor in sources.items():
        target = os.path.join(root, place)
        os.makedirs(target, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", target, None, _BIND)
        os.close(descriptor)


if __name__ == "__main__":
    try:
        main()
    except OSError as problem:
        sys.exit(f"{problem.filename or ''}: {problem.strerror}")
