"""A small program that touches the files of a build as a user of the build, never as the service user.

It is started with `python -I -c` as root of the service user's user namespace (`podman unshare`). There it forks a
child into a user namespace of the child's own, in which the range of ids reserved for builds is 0 to 65535. What the
child reads and writes is foreign, and nothing else on this host belongs to the child or opens to it. File
descriptors are all that it shares with the daemon.

Arguments: FIRST-ID COMMAND ROOT …

start ROOT             make the directory, owned by the build; its parent opens to the build alone
unpack ROOT            unpack a whole root file system (tar on standard input) into the empty directory
put ROOT               write files and directories (tar on standard input; absolute paths inside the root)
pack ROOT TIME         write the root file system to standard output as a tar file, every file with the same time
take ROOT PATH BYTES   write the regular files below a path to standard output as a tar file, up to a sum of bytes
size ROOT              print the bytes and the number of files
tool FOLDER HIDDEN … -- COMMAND …
                       run a program of the host, which finds FOLDER at /mnt, and empty directories in place of hidden
                       ones; it has got `overlay`, and makes `tool/output.tar`, which becomes `output.tar` of FOLDER
"""

import ctypes
import os
import posixpath
import signal
import stat
import sys
import tarfile
import traceback  # noqa: F401 - Python imports it to show an error, which it could not do below a root of a build
from collections.abc import Callable
from importlib.machinery import PathFinder
from typing import IO

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_PR_SET_PDEATHSIG = 1
_MS_BIND, _MS_REC = 4096, 16384
_IDS = 65536
_MOST_FILES = 100_000
_STUBS = ("./etc/hosts", "./etc/hostname", "./etc/resolv.conf", "./run/.containerenv")
"""What Podman mounts over; where the image has none, an empty file stays behind."""
SHOWN = "/mnt"
"""Where a tool finds the folder of its build; the way to it may be closed to the build."""
INTO = "ARCHIPELAGO.name"
"""Header of a member of `put`: the name that it gets where its path turns out to be a directory."""


class BuildRefused(Exception):
    """Something in the root file system is not as it has to be."""


def main() -> None:
    """Do one thing and end: 0, or 1 with the reason on standard error."""
    os.umask(0o022)
    first, command, root, *rest = int(sys.argv[1]), *sys.argv[2:]
    if command == "start":
        start(root, first)
        return
    if command == "tool":
        sys.exit(tool(root, first, rest))
    os.chdir(root)  # the way to it may be closed to the build
    commands: dict[str, Callable[..., None]] = {"unpack": unpack, "put": put, "pack": pack, "take": take, "size": size}
    sys.exit(confined(first, lambda: commands[command](*rest)))


def start(root: str, first: int) -> None:
    """Make a directory of the build. Users of other apps and of the host come no further than its parent."""
    os.mkdir(root, 0o755)
    os.chown(root, first, first)
    parent = os.path.dirname(root)
    os.chown(parent, 0, first)
    os.chmod(parent, 0o710)


def tool(folder: str, first: int, words: "list[str]") -> int:
    """Run a program that downloads and unpacks: no foreign code, but what it reads is foreign."""
    own, output = os.path.join(folder, "tool"), os.path.join(folder, "output.tar")
    start(own, first)
    for _, _, names, descriptor in os.fwalk(os.path.join(folder, "overlay"), onerror=_fail):
        os.chown(descriptor, first, first)
        for name in names:
            os.chown(name, first, first, dir_fd=descriptor, follow_symlinks=False)
    border = words.index("--")
    os.chdir(folder)
    code = confined(first, lambda: _run(words[:border], words[border + 1 :]))
    if code == 0:
        # Nobody but the daemon's user can change what is in the outer directory.
        os.rename(os.path.join(own, "output.tar"), output)
        descriptor = os.open(output, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            print(f"error: {output} is no regular file", file=sys.stderr)
            return 1
        os.fchown(descriptor, 0, 0)
        os.fchmod(descriptor, 0o600)
    return code


def _run(hidden: "list[str]", command: "list[str]") -> None:
    _mount(".", SHOWN, "", _MS_BIND | _MS_REC, "")
    for directory in hidden:
        _mount("tmpfs", directory, "tmpfs", 0, "size=1m,mode=755")
    os.chdir(SHOWN)
    os.execvp(command[0], command)


def _mount(source: str, target: str, kind: str, flags: int, data: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()):
        raise OSError(ctypes.get_errno(), f"{target}: {os.strerror(ctypes.get_errno())}")


def confined(first: int, work: Callable[[], None]) -> int:
    """Do some work as root of a user namespace that maps to the ids of builds; return the exit code."""
    ready, unshared = os.pipe()
    mapped, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        code = 1
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS):
                raise OSError(ctypes.get_errno(), "unshare")
            os.close(unshared)
            if os.read(mapped, 1) != b"1":
                os._exit(1)
            os.setgroups([])
            os.setgid(0)
            os.setuid(0)
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user takes it back, so not before
            work()
            sys.stdout.flush()
            code = 0
        except RecursionError:
            print("error: directories lie too deep in each other", file=sys.stderr, flush=True)
        except (BuildRefused, OSError, tarfile.TarError) as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
        os._exit(code)
    os.close(unshared)
    os.read(ready, 1)  # until it has its namespace, or has ended and said why not
    try:
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{name}", "w") as file:
                file.write(f"0 {first} {_IDS}\n")
        os.write(go, b"1")
    except OSError as error:
        print(f"error: the user ids of builds cannot be had: {error}", file=sys.stderr, flush=True)
    os.close(go)
    os.close(mapped)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def unpack() -> None:
    """Unpack a whole image. Device nodes are left out: nobody without rights over the host can make them."""
    left_out = ("dev/*", "./dev/*", "proc/*", "./proc/*", "sys/*", "./sys/*")
    os.execvp(
        "tar",
        ["tar", "--extract", "--preserve-permissions", "--numeric-owner", "--anchored"]
        + [f"--exclude={pattern}" for pattern in left_out]
        + ["--file=-"],
    )


def enter_root() -> None:
    """Make the current directory the root, and import no module from there: it would be code of the build."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not PathFinder]
    os.chroot(".")


def put() -> None:
    """Write files. Links are followed within the root alone, since it is all that there is."""
    enter_root()
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for member in archive:
            path = posixpath.join("/", member.name)
            if member.isdir():
                _directory(path, member)
            elif member.isreg():
                content = archive.extractfile(member)
                assert content is not None
                _file(path, member, content)
            else:
                raise BuildRefused(f"{path} is neither a file nor a directory")


def _directory(path: str, member: tarfile.TarInfo) -> None:
    if not os.path.isdir(path):
        os.makedirs(path)
        os.chown(path, member.uid, member.gid)
        os.chmod(path, member.mode)


def _file(path: str, member: tarfile.TarInfo, content: IO[bytes]) -> None:
    if os.path.isdir(path):
        path = posixpath.join(path, member.pax_headers.get(INTO, posixpath.basename(path)))
        if os.path.isdir(path):
            raise BuildRefused(f"{path} is a directory, and would be replaced by a file")
    os.makedirs(posixpath.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while piece := content.read(1 << 20):
            file.write(piece)
        os.fchown(descriptor, member.uid, member.gid)
        os.fchmod(descriptor, member.mode & 0o7777)


def pack(time: str) -> None:
    """Write the whole image, the same bytes for the same files."""
    stubs = [path for path in _STUBS if _is_empty(path)]
    os.execvp(
        "tar",
        ["tar", "--create", "--sort=name", f"--mtime=@{time}", "--numeric-owner", "--one-file-system", "--anchored"]
        + ["--format=pax", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"]
        + ["--warning=no-file-ignored"]
        + [f"--exclude={path}" for path in ("./dev/*", "./proc/*", "./sys/*", *stubs)]
        + ["--file=-", "."],
    )


def _is_empty(path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def take(path: str, limit: str) -> None:
    """Write what is below a path, with names relative to it. Anything but files and directories is refused."""
    enter_root()
    if not os.path.isdir(path):
        raise BuildRefused(f"there is no directory {path}")
    left, count = int(limit), 0
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for folder, _, names, descriptor in os.fwalk(path, onerror=_fail):
            inner = posixpath.relpath(folder, path)
            for name in sorted(names):
                shown = posixpath.normpath(posixpath.join(inner, name))
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
                with os.fdopen(opened, "rb") as file:
                    found = os.fstat(opened)
                    if not stat.S_ISREG(found.st_mode):
                        raise BuildRefused(f"{shown} is no regular file")
                    left, count = left - found.st_size, count + 1
                    if left < 0 or count > _MOST_FILES:
                        raise BuildRefused(
                            f"there is more below {path} than {limit} bytes, or than {_MOST_FILES} files"
                        )
                    member = tarfile.TarInfo(shown)
                    member.size, member.mode = found.st_size, 0o755 if found.st_mode & 0o100 else 0o644
                    archive.addfile(member, file)


def _fail(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # it went meanwhile
        raise error


def size() -> None:
    """Count. A file with holes counts with its holes, since it is copied with them."""
    total = count = 0
    for _, folders, names, descriptor in os.fwalk(".", onerror=_fail):
        for name in (*folders, *names):
            try:
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except OSError:
                continue  # it went meanwhile
            total += max(found.st_size if stat.S_ISREG(found.st_mode) else 0, found.st_blocks * 512)
            count += 1
    print(total, count)


if __name__ == "__main__":
    main()
