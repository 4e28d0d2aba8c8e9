"""Backups on a real S3 server (versitygw), which `make backup-targets` builds."""

import asyncio
import contextlib
import functools
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archipelago.api.backups import S3Target
from archipelago.backups.backup_sources import BackupSources
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.backups.restic.launch import launch
from archipelago.errors import ErrorCode, NodeError
from support.harness import free_port
from support.servers import listening

SERVER = os.environ.get("ARCHIPELAGO_BUCKET_SERVER", "")
LAUNCH = functools.partial(launch, enter=("unshare", "--user", "--map-root-user"))
ACCESS_KEY, SECRET = "archipelago-test", "hush-hush-hush"
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not SERVER, reason="make backup-targets builds the server"),
]


@dataclass(frozen=True)
class Bucket:
    """A bucket on a server that can go away."""

    folder: Path
    port: int = field(default_factory=free_port)

    def running(self) -> contextlib.AbstractContextManager[None]:
        login = ("--access", ACCESS_KEY, "--secret", SECRET)
        words = (*login, "--port", f"127.0.0.1:{self.port}", "posix", "--sidecar", str(self.folder / "about"))
        return listening(self.port, SERVER, *words, str(self.folder / "served"))

    def repository(self, secret: str = SECRET, path: str = "bucket/node") -> Repository:
        url = f"http://127.0.0.1:{self.port}/{path}"
        target = S3Target(kind="s3", url=url, access_key=ACCESS_KEY)
        return Repository(access(target, secret), "0123456789abcdef" * 4, url, self.folder / "cache", LAUNCH)

    def sources(self, **files: bytes) -> BackupSources:
        for name, content in files.items():
            (self.folder / "volume" / name).write_bytes(content)
        return BackupSources(str(self.folder / "view"), "app", {"volumes/data": str(self.folder / "volume")})


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    for name in ("served/bucket", "about", "volume", "view"):
        (tmp_path / name).mkdir(parents=True)
    return Bucket(tmp_path)


async def test_backups_go_to_a_bucket_and_come_back(bucket: Bucket) -> None:
    with bucket.running():
        found = bucket.repository()
        known = await found.create()
        assert await found.create() == known, "the one that is there is taken"
        tags = {"app": "app", "version": "1"}
        for number in range(4):
            await found.write(bucket.sources(kept=b"%d" % number), tags, lambda _: None)
        await found.open()
        await found.thin_out(["app"])
        assert len(await found.snapshots("app")) == 3
        await found.check("100%")
        await found.restore("latest", bucket.folder / "back", verify=True)
        assert (bucket.folder / "back/volumes/data/kept").read_bytes() == b"3"


async def test_a_wrong_login_and_a_missing_bucket_are_told_apart(bucket: Bucket) -> None:
    with bucket.running():
        with pytest.raises(NodeError) as refused:
            await bucket.repository("another secret").create()
        assert refused.value.code is ErrorCode.WRONG_CREDENTIALS
        with pytest.raises(NodeError) as refused:
            await bucket.repository(path="none/node").id()
        assert refused.value.code is ErrorCode.DATA_MISSING


async def test_a_server_that_is_away_for_a_moment_costs_no_backup(bucket: Bucket) -> None:
    found, given = bucket.repository(), bucket.sources(large=os.urandom(60_000_000))
    started = asyncio.Event()
    with bucket.running():
        await found.create()
        work = asyncio.create_task(found.write(given, {"app": "app", "version": "1"}, lambda _: started.set()))
        await started.wait()
    assert not work.done()
    with bucket.running():
        await work
        await found.check("100%")
