"""Servers that only take new backups: what a thief of the node and of its key cannot do there."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from archipelago.api.backups import RestTarget
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.errors import ErrorCode, NodeError
from support.backup_writes import LAUNCH, PASSWORD, write
from support.harness import free_port
from support.servers import listening
from support.tools import PROGRAMS

SERVER = PROGRAMS / "restic-rest-server"
RCLONE = PROGRAMS / "rclone"
COMMANDS = {
    "rest-server": (str(SERVER), "--no-auth", "--append-only", "--listen", "{address}", "--path", "{served}"),
    "rclone": (str(RCLONE), "serve", "restic", "--append-only", "--addr", "{address}", "{served}"),
}
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not (SERVER.exists() and RCLONE.exists()), reason="scripts/test-tools makes the servers"),
]


@pytest.fixture(params=list(COMMANDS))
def found(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    """A repository on such a server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/node"
    target = RestTarget(kind="rest", url=url)
    places = {"address": f"127.0.0.1:{port}", "served": tmp_path / "served"}
    with listening(port, *(word.format(**places) for word in COMMANDS[request.param])):
        yield Repository(access(target, ""), PASSWORD, url, tmp_path / "cache", LAUNCH)


def _status(method: str, url: str, content: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, method=method), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


async def test_who_has_the_login_and_the_key_deletes_and_overwrites_nothing(found: Repository, tmp_path: Path) -> None:
    await found.create()
    for number in range(6):  # of which any version of restic keeps four at most
        await write(tmp_path, found, kept=f"text {number}")
    served = tmp_path / "served/node"
    before = {path: path.read_bytes() for path in served.rglob("*") if path.is_file()}
    kinds = {path.relative_to(served).parts[0] for path in before}
    assert kinds == {"config", "data", "index", "keys", "snapshots"}, "and no locks"
    started = time.monotonic()
    with pytest.raises(NodeError) as refused:
        await found.thin_out(["app"])
    assert refused.value.code is ErrorCode.FORBIDDEN
    with pytest.raises(NodeError, match="only takes new backups"):
        await found.forget((await found.snapshots())[0].id)
    assert time.monotonic() - started < 300, "restic itself tries again for a quarter of an hour"
    for path in before:
        kind, name = path.relative_to(served).parts[0], path.name
        url = f"{found.where}/{kind}" + ("" if kind == "config" else f"/{name}")
        assert _status("DELETE", url) == 403, url
        assert _status("POST", url, b"other") == 403, url
    assert {path: path.read_bytes() for path in before} == before
    assert len(await found.snapshots()) == 6
