"""A small program that ends all processes of one exec session, run as root of the service user's user namespace.

It is started by `podman unshare` with `python -I -c`, since an ordinary user may not look at the processes of other
users. Arguments: the mark that is in the environment of what the session started, and the process id of its first
process, 0 where nobody knows one.

A process belongs to the session that has the mark, and so do its children and all of the sessions (setsid(2)) of such
processes: they may have an environment of their own. SIGKILL is sent until a look finds nothing more, so a process that
goes on forking is caught as well. Out of reach is what has all three: another environment, parent and session.
"""

import os
import signal
import sys
import time

_ROUNDS = 200
_PAUSE = 0.01


def main() -> None:
    """Kill until nothing is left; exit with 1 where something stays."""
    mark, first = sys.argv[1].encode(), int(sys.argv[2])
    own = _namespace(os.getpid())
    known = {_key(first)} if first and _namespace(first) not in ("", own) else set()
    quiet = 0
    for _ in range(_ROUNDS):
        # First: of a parent that is dead nobody knows the children that have an environment of their own.
        found = _members(mark, known, own)
        for pid, began in found:
            _kill(pid, began)
        found |= _strike(mark, own)
        # Twice: a process that is about to become another program has no environment for a moment.
        quiet = 0 if found else quiet + 1
        if quiet == 2:
            sys.exit(0)
        known |= found
        time.sleep(_PAUSE)
    sys.exit(1)


def _strike(mark: bytes, own: str) -> set:  # type: ignore[type-arg]
    """Kill each process that has the mark as soon as it is seen, the newest first; return them.

    One that does nothing but fork and end would be gone by the time that all others have been looked at.
    """
    found = set()
    for pid in sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True):
        if _is_marked(pid, mark) and _namespace(pid) not in ("", own):
            key = _key(pid)
            if key:
                _kill(*key)
                found.add(key)
    return found


def _members(mark: bytes, known: set, own: str) -> set:  # type: ignore[type-arg]
    """Return (process id, start time) of all that live in containers and belong to the session."""
    alive = dict(_processes(own))
    found = {key for key in alive if key in known or _is_marked(key[0], mark)}
    grown = True
    while grown:
        pids = {pid for pid, _ in found}
        # Namespaced: the session of whoever started the first process stands outside, as 0.
        sessions = {alive[key][1:] for key in found if alive[key][1]}
        more = {key for key, look in alive.items() if look[0] in pids or look[1:] in sessions}
        grown = not more <= found
        found |= more
    return found


def _processes(own: str):  # type: ignore[no-untyped-def]
    """Yield each process of another pid namespace that has not ended: key, and (parent, session there, namespace)."""
    for name in os.listdir("/proc"):
        key = _key(int(name)) if name.isdigit() else None
        namespace = _namespace(int(name)) if key else ""
        if key and namespace not in ("", own):
            fields = _stat(key[0])
            if fields and fields[0] not in (b"Z", b"X"):
                yield key, (int(fields[1]), _session(key[0]), namespace)


def _key(pid: int):  # type: ignore[no-untyped-def]
    fields = _stat(pid)
    return (pid, fields[19]) if fields else None


def _stat(pid: int) -> list:  # type: ignore[type-arg]
    """Return the fields of proc(5)'s stat from the third on. As bytes: a process calls itself what it likes."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def _session(pid: int) -> int:
    """Return the session's id within the process's own pid namespace; 0 where its leader is not of there."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith(b"NSsid:"):
                    return int(line.split()[-1])
    except OSError:
        pass
    return 0


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def _kill(pid: int, began: bytes) -> None:
    """Kill a process unless its number is another's by now."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if _key(pid) == (pid, began):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        pass  # it has ended, or is none of ours
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
