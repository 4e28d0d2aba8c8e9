"""Real servers on loopback where copies of streamed files are stored as objects, each with a repository of restic."""

import base64
import contextlib
import hashlib
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archipelago.api.backups import BackupTarget, RcloneTarget, RestTarget, S3Target
from archipelago.backups.remote.object_proofs import ObjectProofs
from archipelago.backups.remote.objects import ObjectStore
from archipelago.backups.remote.rclone_objects import RcloneObjects
from archipelago.backups.remote.rest_objects import RestObjects, RestPlace
from archipelago.backups.remote.s3_objects import S3Objects
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from support.backup_writes import LAUNCH, PASSWORD
from support.harness import free_port
from support.paper_sealer import Paper
from support.servers import listening
from support.tools import PROGRAMS

BUCKETS = os.environ.get("ARCHIPELAGO_BUCKET_SERVER", "")
"""Of `make backup-targets`."""
SECRET = "hush-hush-hush"
REST_SERVER, RCLONE = str(PROGRAMS / "restic-rest-server"), str(PROGRAMS / "rclone")


class SaltedPaper(Paper):
    """Seals each time to something else, as age does."""

    def seal(self, text: str) -> bytes:
        """Return the text the other way round, and random letters."""
        return super().seal(secrets.token_hex(8) + text)

    def unseal(self, sealed: bytes) -> str:
        """Return what `seal` got."""
        return super().unseal(sealed)[16:]


@dataclass
class ProofStore:
    """One server and its repository."""

    target: BackupTarget
    secret: str
    root: Path
    """Where the files of the repository are."""
    scratch: Path
    append_only: bool = False
    rest: RestPlace = field(default_factory=RestPlace)

    def repository(self) -> Repository:
        reached = access(self.target, self.secret)
        return Repository(reached, PASSWORD, "there", self.scratch / "cache", LAUNCH)

    def proofs(self) -> ObjectProofs:
        """Return what the node makes of such a target."""
        store: ObjectStore
        match self.target:
            case RestTarget():
                store = RestObjects(self.target, self.secret, "there", self.rest)
            case S3Target():
                store = S3Objects(self.target, self.secret, "there")
            case RcloneTarget():
                told, root = access(self.target, self.secret).environment, f"{self.target.remote}:{self.target.path}"
                store = RcloneObjects(root, told, "there", self.scratch)
            case _:
                raise TypeError(self.target)
        return ObjectProofs(store, "there", SaltedPaper())

    def make_config(self) -> None:
        """Have a repository be there as far as anybody looks who does not run restic."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "config").write_bytes(b"the repository")

    def files(self) -> Mapping[str, bytes]:
        """Return all copies as they are there."""
        paths = (each for each in sorted(self.root.parent.rglob("*")) if each.is_file())
        return {str(each): each.read_bytes() for each in paths if "proof" in str(each.relative_to(self.root.parent))}


def _rest_server(folder: Path, path: str, *words: str, user: str = "") -> Iterator[ProofStore]:
    port = free_port()
    target = RestTarget(kind="rest", url=f"http://127.0.0.1:{port}{path}", user=user)
    served = folder / "served"
    command = ("--listen", f"127.0.0.1:{port}", "--path", str(served), *words)
    with listening(port, REST_SERVER, *command):
        yield ProofStore(target, SECRET, served / path.strip("/"), folder, append_only="--append-only" in words)


def rest_server(folder: Path) -> Iterator[ProofStore]:
    yield from _rest_server(folder, "/node", "--no-auth")


def rest_server_of_many(folder: Path) -> Iterator[ProofStore]:
    """Each user has repositories of his own, as deep as rest-server has any, and none may delete."""
    users = folder / "users"
    digest = hashlib.sha1(SECRET.encode(), usedforsecurity=False).digest()
    users.write_text(f"me:{{SHA}}{base64.b64encode(digest).decode()}\n")
    words = ("--private-repos", "--append-only", "--htpasswd-file", str(users))
    yield from _rest_server(folder, "/me/node/", *words, user="me")


def rclone_serve(folder: Path) -> Iterator[ProofStore]:
    """`rclone serve restic --append-only`."""
    port, served = free_port(), folder / "served"
    served.mkdir()
    target = RestTarget(kind="rest", url=f"http://127.0.0.1:{port}/node", user="me")
    login = ("--user", "me", "--pass", SECRET)
    command = (RCLONE, "serve", "restic", "--append-only", *login, "--addr", f"127.0.0.1:{port}", str(served))
    with listening(port, *command):
        yield ProofStore(target, SECRET, served / "node", folder, append_only=True)


def rclone_remote(folder: Path) -> Iterator[ProofStore]:
    """A remote of rclone, here by WebDAV."""
    port, served = free_port(), folder / "served"
    served.mkdir()
    login = ("--user", "me", "--pass", SECRET)
    hidden = subprocess.run([RCLONE, "obscure", SECRET], check=True, capture_output=True, text=True).stdout.strip()
    url = f"http://127.0.0.1:{port}"
    config = f"[dav]\ntype = webdav\nvendor = other\nurl = {url}\nuser = me\npass = {hidden}\n"
    command = (RCLONE, "serve", "webdav", "--addr", f"127.0.0.1:{port}", *login, str(served))
    with pytest.MonkeyPatch.context() as patch, listening(port, *command):
        patch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")  # restic starts it too
        yield ProofStore(
            RcloneTarget(kind="rclone", remote="dav", path="a folder/node"), config, served / "a folder/node", folder
        )


def s3(folder: Path) -> Iterator[ProofStore]:
    port, served = free_port(), folder / "served"
    (served / "bucket").mkdir(parents=True)
    login = ("--access", "archipelago-test", "--secret", SECRET)
    words = (*login, "--port", f"127.0.0.1:{port}", "posix", "--sidecar", str(folder / "about"))
    (folder / "about").mkdir()
    url = f"http://127.0.0.1:{port}/bucket/a%20folder/node"
    with listening(port, BUCKETS, *words, str(served)):
        target = S3Target(kind="s3", url=url, access_key="archipelago-test")
        yield ProofStore(target, SECRET, served / "bucket/a folder/node", folder)


STORES: Mapping[str, Callable[[Path], Iterator[ProofStore]]] = {
    "rest-server": rest_server,
    "rest-server of many, append-only": rest_server_of_many,
    "rclone serve restic, append-only": rclone_serve,
    "rclone": rclone_remote,
    **({"S3": s3} if BUCKETS else {}),
}


@contextlib.contextmanager
def running_store(kind: str, folder: Path) -> Iterator[ProofStore]:
    """Run a server of a kind for as long as the block takes."""
    yield from STORES[kind](folder)
