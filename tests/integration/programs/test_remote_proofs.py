"""Copies of streamed files as objects of real services: what is there, how soon, and what is left of mishaps."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archipelago.api.backups import RcloneTarget
from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.remote.object_proofs import ObjectProofs
from archipelago.backups.remote.objects import StoreRefused
from archipelago.backups.remote.remote_proofs import Listing, NewCopy
from archipelago.backups.remote.rest_objects import RestPlace
from archipelago.container.data.stream_copies import MOST, StreamCopy, next_copy
from archipelago.errors import ErrorCode, NodeError
from support.backup_writes import write
from support.harness import free_port
from support.processor_time import require_soon
from support.proof_stores import RCLONE, REST_SERVER, STORES, ProofStore, running_store

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (Path(RCLONE).exists() and Path(REST_SERVER).exists()), reason="scripts/test-tools makes the servers"
    ),
]


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProofStore]:
    with running_store(request.param, tmp_path) as found:
        yield found


def made(content: bytes, *before: StreamCopy) -> NewCopy:
    copy = next_copy(before, content)
    assert copy is not None
    return NewCopy("proof", content, copy)


async def contents(proofs: ObjectProofs, place: Path) -> list[bytes]:
    """Return what comes back of the copies that are there."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    found: FolderProofs = await proofs.fetch("lnd", place)
    return [found.read(each) for each in found.files("lnd", "proof")]


async def test_a_copy_is_there_within_two_seconds_and_comes_back(store: ProofStore, tmp_path: Path) -> None:
    repository, proofs, took = store.repository(), store.proofs(), []
    await repository.create()
    await write(tmp_path, repository, kept="text")
    there: Listing = await proofs.list("lnd", ("proof",))
    assert there == {"proof": ()}
    copies: list[NewCopy] = []
    for number in range(4):
        copies.append(made(b"channel %d" % number, *(each.copy for each in copies)))
        began = time.monotonic()
        config, there = await proofs.write("lnd", "7", [copies[-1]], there)
        took.append(round(time.monotonic() - began, 2))
    print("seconds until a copy is there, read back:", took)
    require_soon(took, 2.0)
    assert config == (store.root / "config").read_bytes()
    assert await proofs.list("lnd", ("proof",)) == there
    assert await store.proofs().list("lnd", ("proof", "other")) == {**there, "other": ()}
    assert await contents(store.proofs(), tmp_path / "back") == [b"channel %d" % number for number in range(4)]
    (tmp_path / "none").mkdir()
    assert (await proofs.fetch("nobody", tmp_path / "none")).volumes("nobody") == ()
    await repository.check("100%")
    if not store.append_only:
        await repository.thin_out(["app"])
    assert len(await repository.snapshots()) == 1, "what is beside it is nothing to restic"
    assert await contents(proofs, tmp_path / "back") == [b"channel %d" % number for number in range(4)]


async def test_the_same_copy_again_is_one_copy_and_a_damaged_one_is_written_again(
    store: ProofStore, tmp_path: Path
) -> None:
    store.make_config()
    proofs, new = store.proofs(), made(b"one")
    config, there = await proofs.write("lnd", "7", [new], {})
    assert config == b"the repository"
    before = store.files()
    store.rest = RestPlace()  # a later life of the daemon
    assert await store.proofs().write("lnd", "7", [new], await store.proofs().list("lnd", ("proof",))) == (
        config,
        there,
    )
    assert store.files() == before
    (name,) = before
    Path(name).write_bytes(b"damaged")
    await store.proofs().write("lnd", "7", [new], there)
    assert await contents(store.proofs(), tmp_path / "back") == [b"one"]


@pytest.mark.parametrize("store", [each for each in STORES if each != "rclone"], indirect=True)
async def test_the_newest_stay_unless_the_service_only_takes_new_ones(store: ProofStore, tmp_path: Path) -> None:
    store.make_config()
    proofs, copies = store.proofs(), list[StreamCopy]()
    _, there = await proofs.write("lnd", "3", [made(b"of another one", StreamCopy(40, 1, "0" * 64))], {})
    for number in range(MOST + 2):
        new = made(b"%03d" % number, *copies)
        _, there = await proofs.write("lnd", "7", [new], there)
        copies.append(new.copy)
    back = await contents(store.proofs(), tmp_path / "back")
    kept = MOST + 2 if store.append_only else MOST
    assert back == [b"of another one", *(b"%03d" % number for number in range(MOST + 2 - kept, MOST + 2))]


async def test_files_are_written_replaced_listed_and_deleted(store: ProofStore) -> None:
    store.make_config()
    async with store.proofs().store.session() as session:
        path = "proofs/lnd/proof/a.b"
        for content in (b"first", b"second" * 1000):
            stored = await session.put(path, content)
            assert (stored.config, stored.content) == (b"the repository", content)
        await session.put("proofs/lnd/other/c", b"other")
        await session.put("proofs/lndhub/proof/d", b"of another app")
        assert sorted(await session.paths("proofs/lnd")) == ["proofs/lnd/other/c", path]
        assert await session.get("proofs/lnd/other/c") == b"other"
        assert await session.get("proofs/lnd/other/none") is None
        if store.append_only:
            with pytest.raises(StoreRefused, match="only takes new backups"):
                await session.delete(path)
        else:
            for _ in range(2):
                await session.delete(path)
            assert await session.paths("proofs/lnd") == ("proofs/lnd/other/c",)


async def test_nothing_is_written_where_there_is_no_repository(store: ProofStore) -> None:
    with pytest.raises(NodeError, match="no repository at there") as refused:
        await store.proofs().write("lnd", "7", [made(b"one")], {})
    assert refused.value.code is ErrorCode.DATA_MISSING and not store.files()


async def test_a_wrong_login_is_said_to_be_one_and_a_server_that_is_away_is_no_refusal(store: ProofStore) -> None:
    store.make_config()
    if isinstance(store.target, RcloneTarget) or not store.target.model_dump().get("user", "s3"):
        pytest.skip("rclone says itself what is wrong, and this server asks for no login")
    store.secret = "another"
    with pytest.raises(StoreRefused, match="does not accept the login"):
        await store.proofs().write("lnd", "7", [made(b"one")], {})
    away = store.target.model_copy(update={"url": f"http://127.0.0.1:{free_port()}/node"})
    with pytest.raises(NodeError, match="cannot be reached") as failed:
        await replace(store, target=away).proofs().list("lnd", ("proof",))
    assert not isinstance(failed.value, StoreRefused)
