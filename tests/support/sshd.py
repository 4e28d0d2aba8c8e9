"""A real sshd of Debian on loopback, as root of the service user's namespace: SFTP alone, in a root of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.harness import free_port, podman
from support.servers import until_silent
from support.tools import TOOLS

_PATIENCE = 100.0
_CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {keys}/host
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile {keys}/authorized
LogLevel VERBOSE
Subsystem sftp internal-sftp
ForceCommand internal-sftp
ChrootDirectory /served
"""
_ROOT = """
import ctypes, os, sys
usr, root, served, keys, room = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
def mount(*words, flags, data=None):
    if libc.mount(*(None if each is None else os.fsencode(each) for each in words), ctypes.c_ulong(flags), data):
        raise OSError(ctypes.get_errno(), str(words))
libc.unshare(0x20000 | 0x20000000)
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
libc.prctl(1, 9)  # it ends with its parent, and all connections with it: it is the first of its PID namespace
mount(None, "/", None, flags=0x4000 | 0x40000)
mount("tmpfs", root, "tmpfs", flags=0)
os.chmod(root, 0o755)
for name in ("usr", "etc", "dev", "proc", "served", "keys", "run/sshd"):
    os.makedirs(f"{root}/{name}")
for name in ("lib", "lib64", "bin", "sbin"):
    os.symlink(f"usr/{name}", f"{root}/{name}")
for source, name in ((usr, "usr"), (served, "served"), (keys, "keys"), ("/dev", "dev"), ("/proc", "proc")):
    mount(source, f"{root}/{name}", None, flags=0x1000 | 0x4000)
if room:
    mount("tmpfs", f"{root}/served", "tmpfs", flags=0, data=f"mode=0755,size={room}".encode())
    os.mkdir(f"{root}/served/backups")
    os.chown(f"{root}/served/backups", 2, 2)
with open(f"{root}/etc/passwd", "w") as file:
    file.write("root:x:0:0::/:/bin/sh\\nsshd:x:1:1::/run/sshd:/bin/false\\nkeeper:x:2:2::/:/bin/false\\n")
with open(f"{root}/etc/group", "w") as file:
    file.write("root:x:0:\\nsshd:x:1:\\nkeeper:x:2:\\n")
os.chroot(root)
os.chdir("/")
os.execv("/usr/sbin/sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", "/keys/config"])
"""
"""sshd demands a root that its user owns (sshd_config(5), ChrootDirectory), and programs of its own release."""


@dataclass
class Sshd:
    """A machine that takes files from the user `keeper`, into the folder `backups`."""

    folder: Path
    room: str = ""
    """Size of its disk, such as `20m`, which is then empty at each start; else it is one of this machine."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def served(self) -> Path:
        return self.folder / "served"

    def prepare(self) -> None:
        for name in ("served", "keys", "root"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "keys/config").write_text(_CONFIG.format(port=self.port, keys="/keys"))
        (self.folder / "keys/authorized").touch()
        self.new_host_key()
        podman("unshare", "sh", "-euc", f"cd {self.served}; mkdir backups; chown 2:2 backups; chmod 755 .")

    def new_host_key(self) -> None:
        key = str(self.folder / "keys/host")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)

    @contextlib.contextmanager
    def awaiting_data(self) -> Iterator[subprocess.Popen[bytes]]:
        """Yield what ends once there is a new file with data in the repository `backups/node`."""
        count = f"ls -d {self.served}/backups/node/data/*/* | wc -l"
        script = f'n=$({count}); echo ready; while [ "$({count})" = "$n" ]; do sleep 0.01; done'
        with subprocess.Popen(["podman", "unshare", "sh", "-c", script], stdout=subprocess.PIPE) as watcher:
            assert watcher.stdout is not None and watcher.stdout.readline() == b"ready\n"
            yield watcher

    @contextlib.contextmanager
    def other_host_key(self) -> Iterator[None]:
        """Have another key for as long as the block takes; what runs keeps the one that it has."""
        key, kept = self.folder / "keys/host", self.folder / "keys/kept"
        key.rename(kept)
        self.new_host_key()
        yield
        kept.rename(key)

    def authorize(self, line: str) -> None:
        (self.folder / "keys/authorized").write_text(f"{line}\n")

    def start(self) -> None:
        words = (TOOLS / "root/usr", self.folder / "root", self.served, self.folder / "keys", self.room)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["podman", "unshare", sys.executable, "-I", "-c", _ROOT, *map(str, words)],
                stderr=log,
                start_new_session=True,
            )
        self.until_logged(f"listening on 127.0.0.1 port {self.port}")

    def until_logged(self, words: str) -> None:
        """Return once its log has these words: what it does is told there alone, and a moment later."""
        until = time.monotonic() + _PATIENCE
        while words not in self.log():
            assert self.process is not None and self.process.poll() is None and time.monotonic() < until, self.log()
            time.sleep(0.02)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self) -> None:
        """End it, and with it all connections."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            until_silent(self.port)  # what was waited for is only the first of its processes
        (self.folder / "log").write_text("")


@contextlib.contextmanager
def sshd(folder: Path, room: str = "") -> Iterator[Sshd]:
    """Yield one that runs; nothing of it stays."""
    found = Sshd(folder, room)
    found.prepare()
    found.start()
    try:
        yield found
    finally:
        print(found.log())  # pytest shows it where a test fails
        found.stop()
        podman("unshare", "rm", "-rf", str(folder))
        shutil.rmtree(folder, ignore_errors=True)
