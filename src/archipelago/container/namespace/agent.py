"""A small program that runs as root of the service user's user namespace (`podman unshare`).

It does what the daemon cannot from outside: knock at a container from within the container's own network namespace, set
the rules of that namespace's firewall, and own files as the users that containers run as. It reads one JSON request per
line and answers each with one JSON line; it ends when its input does. It is started with `python -I -c` and imports
little, since it stays in memory for ever.

Requests: `{"id": 1, "do": "tcp", "pid": 42, "host": "10.89.0.2", "port": 80, "timeout": 5}`, likewise `http` (with
`method`, `path`, `headers`, `body`) and `dns` (with the `name` that is looked up); `firewall` (with `pid`, 0 for a new
namespace that ends with the request, and `rules` for nft(8)); `announce` (with `pid`); `passage`, `directory` and
`file` (with `path`, `uid`, `gid`, `mode`, `content`), `look` (with `path`, `uid`, `gid`, how many `ids` an app has,
and whether it is `divided`), `rename` (with `path` and `to`), `remove`; `signal` (with `pid` and `signal`); `size`
(with the `timeout` after which it tells what it has counted); in a volume, whose content is an app's, `find` (with
`paths`, each a list of names), `aside` and `discard` (with `names`, and the `suffix` that a name gets), and `divide`
(with the `part` that gets what is there, and `gid`).
"""

import base64
import contextlib
import ctypes
import json
import os
import shutil
import socket
import stat
import sys
import threading
import time

_CLONE_NEWNET = 0x40000000
_MAX_BODY = 256 * 1024
_MAX_AT_ONCE = 64
_UNKNOWN = 65534
_ENTRIES = 1000
"""Entries of a directory that are looked at, to find out whose it is."""
_nft_turn = threading.Lock()


class Refused(Exception):
    """A request that this agent does not take."""


def main() -> None:
    """Serve requests until the input ends. Arguments: the directories below which files may be touched."""
    roots = tuple(os.path.realpath(root) for root in sys.argv[1:])
    output = threading.Lock()
    places = threading.BoundedSemaphore(_MAX_AT_ONCE)

    def serve(line: bytes) -> None:
        request = json.loads(line)
        try:
            answer = {"id": request["id"], "ok": True, **_do(request, roots)}
        except Exception as error:  # every failure is an answer
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            answer = {"id": request["id"], "ok": False, "error": reason}
        finally:
            places.release()
        with output:
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    for line in sys.stdin.buffer:
        places.acquire()
        # A thread of its own: setns(2) changes the calling thread only, and the thread ends with its request.
        threading.Thread(target=serve, args=(line,), daemon=True).start()


def _do(request: dict, roots: tuple) -> dict:  # type: ignore[type-arg]
    what = request["do"]
    if what == "tcp":
        _connect(request).close()
        return {}
    if what == "http":
        return _http(request)
    if what == "dns":
        return _dns(request)
    if what == "firewall":
        return _firewall(request)
    if what == "announce":
        return _announce(request)
    if what == "passage":
        return _passage(_inside(request["path"], roots), request["gid"])
    if what == "directory":
        return _directory(_inside(request["path"], roots), request["uid"], request["gid"])
    if what == "look":
        return _look(_inside(request["path"], roots), request)
    if what == "file":
        return _file(_inside(request["path"], roots), request)
    if what == "rename":
        return _rename(_inside(request["path"], roots), _inside(request["to"], roots))
    if what == "remove":
        path = _inside(request["path"], roots)
        shutil.rmtree(path, ignore_errors=False) if os.path.lexists(path) else None
        return {}
    if what == "signal":
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(request["pid"]), int(request["signal"]))
        return {}
    if what == "size":
        return _size(_inside(request["path"], roots), time.monotonic() + request["timeout"])
    if what == "find":
        return {"found": [_is_there(_inside(request["path"], roots), names) for names in request["paths"]]}
    if what == "aside":
        return _aside(_inside(request["path"], roots), request["names"], request["suffix"])
    if what == "discard":
        return _discard(_inside(request["path"], roots), request["names"])
    if what == "divide":
        return _divide(_inside(request["path"], roots), request["part"], request["gid"])
    if what == "ping":
        return {}
    raise Refused(f"unknown request {what!r}")


def _connect(request: dict) -> socket.socket:  # type: ignore[type-arg]
    _enter(request)
    return socket.create_connection((request["host"], int(request["port"])), timeout=request["timeout"])


def _dns(request: dict) -> dict:  # type: ignore[type-arg]
    """Ask a name server for the IPv4 address of a name of one label (RFC 1035); any answer will do."""
    label = request["name"].encode("ascii")
    query = b"\x41\x50\x01\0\0\x01\0\0\0\0\0\0" + bytes([len(label)]) + label + b"\0\0\x01\0\x01"
    _enter(request)
    for _ in range(2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection, contextlib.suppress(OSError):
            connection.settimeout(request["timeout"] / 2)
            connection.connect((request["host"], int(request["port"])))
            connection.send(query)
            connection.recv(512)
            return {"answered": True}
    return {"answered": False}


def _announce(request: dict) -> dict:  # type: ignore[type-arg]
    """Have all devices of a network namespace announce a new hardware address (arp_notify, ip-sysctl of Linux)."""
    _enter(request)
    # Below /proc/sys/net each thread finds the settings of the namespace that it is in.
    with open("/proc/sys/net/ipv4/conf/all/arp_notify", "w", encoding="ascii") as setting:
        setting.write("1")
    return {}


def _firewall(request: dict) -> dict:  # type: ignore[type-arg]
    if request["pid"]:
        _enter(request)
    else:
        _require(_libc().unshare(_CLONE_NEWNET))
    # The library rather than nft(8): half a millisecond instead of ten, in which the container waits.
    nft = ctypes.CDLL("libnftables.so.1")
    nft.nft_ctx_new.restype = ctypes.c_void_p
    nft.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    with _nft_turn:  # its parser is not made for threads
        context = ctypes.c_void_p(nft.nft_ctx_new(0))
        nft.nft_ctx_buffer_error(context)
        failed = nft.nft_run_cmd_from_buffer(context, request["rules"].encode())
        complaint = (nft.nft_ctx_get_error_buffer(context) or b"").decode("utf-8", "replace")
    # To close its socket, the kernel waits until all other processors have come to rest.
    threading.Thread(target=nft.nft_ctx_free, args=(context,), daemon=True).start()
    if failed:
        raise Refused(f"nft: {complaint.strip()[:1000]}")
    return {}


def _enter(request: dict) -> None:  # type: ignore[type-arg]
    with open(f"/proc/{int(request['pid'])}/ns/net", "rb") as namespace:
        _require(_libc().setns(namespace.fileno(), _CLONE_NEWNET))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _require(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _http(request: dict) -> dict:  # type: ignore[type-arg]
    """Speak HTTP/1.0 (RFC 1945), which every server still answers and which ends with the connection."""
    deadline = time.monotonic() + request["timeout"]
    body = request.get("body", "").encode()
    headers = {"Host": f"{request['host']}:{request['port']}", "Connection": "close", **request.get("headers", {})}
    if body:
        headers["Content-Length"] = str(len(body))
    lines = [f"{request.get('method', 'GET')} {request['path']} HTTP/1.0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with _connect(request) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        answer = b""
        while len(answer) < _MAX_BODY:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    head, _, content = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise Refused("the answer is not HTTP")
    return {"status": int(words[1]), "body": content[:_MAX_BODY].decode("utf-8", "replace")}


def _inside(path: str, roots: tuple) -> str:  # type: ignore[type-arg]
    """Return `path` if its parent truly lies below one of the roots (links followed), else refuse."""
    parent, name = os.path.split(os.path.abspath(path))
    real = os.path.realpath(parent)
    if not name or not any(real == root or real.startswith(root + os.sep) for root in roots):
        raise Refused(f"{path} is outside the directories of this node")
    return os.path.join(real, name)


def _passage(path: str, gid: int) -> dict:  # type: ignore[type-arg]
    with _made(path) as (directory, created):
        found = os.fstat(directory)
        if (found.st_uid, found.st_gid) != (0, gid):
            os.fchown(directory, 0, gid)
        if stat.S_IMODE(found.st_mode) != 0o710:
            os.fchmod(directory, 0o710)
    return {"created": created}


def _directory(path: str, uid: int, gid: int) -> dict:  # type: ignore[type-arg]
    # Only the directory itself: its contents belong to the app, whose ids stay the same for ever.
    with _made(path) as (directory, created):
        found = os.fstat(directory)
        if (found.st_uid, found.st_gid) != (uid, gid):
            os.fchown(directory, uid, gid)
    return {"created": created}


@contextlib.contextmanager
def _made(path: str):  # type: ignore[no-untyped-def]
    """Yield a descriptor of a directory, and whether it is new; a link in its place is an error."""
    created = False
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
        created = True
    if os.path.islink(path):
        raise Refused(f"it is a link, which is not followed: mount --bind {os.path.realpath(path)} in its place")
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield directory, created
    finally:
        os.close(directory)


def _rename(path: str, to: str) -> dict:  # type: ignore[type-arg]
    """Move a directory within its file system, on the disk when this returns; nothing of value is overwritten."""
    os.rename(path, to)  # in the place of an empty directory at most (rename(2))
    for parent in {os.path.dirname(path), os.path.dirname(to)}:
        directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    return {}


def _look(path: str, request: dict) -> dict:  # type: ignore[type-arg]
    """Say what is in the place of a volume, and change nothing."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"there": False}
    if stat.S_ISLNK(found.st_mode):
        raise Refused(f"it is a link, which is not followed: mount --bind {os.path.realpath(path)} in its place")
    if not stat.S_ISDIR(found.st_mode):
        raise Refused("it is no directory")
    own = _own_ids(request["uid"], request["ids"])
    owners_of_it = own | {0} if request.get("divided") else own
    entries, owners = _entries(path)
    system = os.statvfs(path)
    root = found.st_dev != os.lstat(os.path.dirname(path)).st_dev
    return {
        "there": True,
        "inode": found.st_ino,
        "filesystem": system.f_fsid if root else None,
        "empty": entries == 0,
        # The directory alone may be root's, as that of a disk is after mkfs(8); or all that is in it, after a copy.
        "foreign": found.st_uid not in owners_of_it or (bool(owners) and own.isdisjoint(owners)),
        "owner": found.st_uid,
        "chown": f"{_outside('uid', request['uid'])}:{_outside('gid', request['gid'])}",
        "read_only": bool(system.f_flag & os.ST_RDONLY),
    }


def _own_ids(uid: int, ids: int) -> frozenset:  # type: ignore[type-arg]
    """Return the user ids of the app whose user `uid` is; 0 is the service user, and 1 the first of the first app."""
    begin = uid - (uid - 1) % ids
    # As this one the kernel shows all whom this namespace does not know.
    return frozenset(range(begin, begin + ids)) - ({_UNKNOWN} - {uid})


def _entries(path: str) -> tuple:  # type: ignore[type-arg]
    """Return how many entries a directory has besides `lost+found`, and the owners of the first of them.

    An empty mark of the node's is no entry; a stage that holds what was moved by a call that was killed is one.
    """
    count, owners = 0, set()
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name == _LOST_FOUND:
                    continue
                if entry.name in _MARKS and _is_empty_directory(entry.path):
                    continue
                count += 1
                if entry.name in _MARKS:
                    continue  # the node's, with what an app had in it
                with contextlib.suppress(OSError):
                    owners.add(entry.stat(follow_symlinks=False).st_uid)
                if count >= _ENTRIES:
                    break
    except PermissionError:
        return 1, set()  # of users whom this namespace does not know
    return count, owners


def _is_empty_directory(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _outside(kind: str, inside: int) -> int:
    """Return an id of this namespace as the host counts (user_namespaces(7))."""
    with open(f"/proc/self/{kind}_map", encoding="ascii") as lines:
        for line in lines:
            first, host, size = map(int, line.split())
            if first <= inside < first + size:
                return host + inside - first
    return inside


def _file(path: str, request: dict) -> dict:  # type: ignore[type-arg]
    content = base64.b64decode(request["content"])
    if os.path.isfile(path) and not os.path.islink(path):
        with open(path, "rb") as current:
            found = os.fstat(current.fileno())
            same = current.read(len(content) + 1) == content
        wanted = (request["uid"], request["gid"], request["mode"])
        if same and (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == wanted:
            return {"changed": False}
    temporary = f"{path}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchown(file.fileno(), request["uid"], request["gid"])
        os.fchmod(file.fileno(), request["mode"])
    os.replace(temporary, path)
    return {"changed": True}


def _size(path: str, deadline: float) -> dict:  # type: ignore[type-arg]
    """Return the bytes that a directory takes on the disk, links not followed; `complete` is false out of time."""
    total = 0
    seen = set()
    for directory, names, files in os.walk(path, followlinks=False):
        for name in (*names, *files):
            try:
                found = os.lstat(os.path.join(directory, name))
            except OSError:
                continue  # it went meanwhile
            if found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen:
                total += found.st_blocks * 512
            if found.st_nlink > 1:
                seen.add((found.st_dev, found.st_ino))
        if time.monotonic() > deadline:
            return {"bytes": total, "complete": False}
    return {"bytes": total, "complete": True}


# --- in volumes, where an app may put links in the way at any moment ------------------------------------------------


@contextlib.contextmanager
def _walked(volume: str, names: list):  # type: ignore[no-untyped-def, type-arg]
    """Yield a descriptor of the directory that the names lead to; no link is followed."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    directory = os.open(volume, flags)
    try:
        for name in names:
            if name in ("", ".", "..") or "/" in name:
                raise Refused(f"{name!r} is no name")
            inner = os.open(name, flags, dir_fd=directory)
            os.close(directory)
            directory = inner
        yield directory
    finally:
        os.close(directory)


def _is_there(volume: str, names: list) -> bool:  # type: ignore[type-arg]
    try:
        with _walked(volume, names[:-1]) as directory:
            os.stat(names[-1], dir_fd=directory, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _aside(volume: str, names: list, suffix: str) -> dict:  # type: ignore[type-arg]
    if not _is_there(volume, names):
        return {"moved": False}
    new = f"{names[-1]}.{suffix}"
    if _is_there(volume, [*names[:-1], new]):
        raise Refused(f"{new} is there already")
    with _walked(volume, names[:-1]) as directory:
        os.rename(names[-1], new, src_dir_fd=directory, dst_dir_fd=directory)
    return {"moved": True}


def _discard(volume: str, names: list) -> dict:  # type: ignore[type-arg]
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), _walked(volume, names[:-1]) as directory:
        for name in names[-1:] or os.listdir(directory):
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                shutil.rmtree(name, dir_fd=directory)
            else:
                os.unlink(name, dir_fd=directory)
    return {}


_LOST_FOUND, _STAGE, _DIVIDED = "lost+found", ".part", ".divided"
_MARKS = (_STAGE, _DIVIDED)
"""Directories that the node makes in a volume."""


def _divide(volume: str, part: str, gid: int) -> dict:  # type: ignore[type-arg]
    """Have a volume be a directory of parts. What an app kept in it before becomes `part`.

    A mark, which comes last, tells whether that was done; a call that was killed goes on where it stopped.
    """
    with contextlib.suppress(FileNotFoundError), _walked(volume, []) as directory:
        found = os.fstat(directory)
        if found.st_uid != 0 and not _is_there(volume, [_DIVIDED]):
            with contextlib.suppress(FileExistsError):
                os.mkdir(_STAGE, 0o700, dir_fd=directory)
            with _walked(volume, [_STAGE]) as stage:
                for name in os.listdir(directory):
                    if name not in (_LOST_FOUND, *_MARKS):
                        os.rename(name, name, src_dir_fd=directory, dst_dir_fd=stage)
                os.fchown(stage, found.st_uid, found.st_gid)
            os.fchown(directory, 0, gid)
        if _is_there(volume, [_STAGE]):
            os.rename(_STAGE, part, src_dir_fd=directory, dst_dir_fd=directory)
    answer = _passage(volume, gid)
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.join(volume, _DIVIDED), 0o700)
    return answer


if __name__ == "__main__":
    main()
