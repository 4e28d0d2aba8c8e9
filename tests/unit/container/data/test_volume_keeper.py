"""Which volumes the node remembers, and what of them a removal with data could not keep."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from archipelago.container.data.identity import VolumeVerdict
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.data.kept import KeptStore
from archipelago.container.data.volumes import AppData
from archipelago.container.manifest.package import load_package
from archipelago.container.namespace.client import Namespace
from archipelago.container.namespace.found import Found
from archipelago.container.workload.workload import VolumeDirectory, Workload
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.layout import Layout
from archipelago.storage.records.volumes import Mark
from archipelago.storage.stores.own_limits import OwnLimitStore
from archipelago.storage.stores.state import State
from archipelago.storage.stores.volume_marks import VolumeMarks
from support.app_records import record_of
from support.checkout import APPS
from support.databases import new_database

KNOTS = load_package(APPS / "bitcoin-knots").manifest
DATA, DISK = Mark(11, None), Mark(2, 77)
NO_LIMITS = cast(OwnLimitStore, None)


@dataclass
class Disk:
    """What the agent in the user namespace sees, by the name of the volume."""

    found: dict[str, Found] = field(default_factory=dict)

    mounted: tuple[str, ...] = ()
    """Volumes in which a disk is mounted."""

    async def mounts(self, path: str) -> tuple[str, ...]:
        return (f"{path}/disk",) if Path(path).name in self.mounted else ()

    async def look(self, path: str, uid: int, gid: int, ids: int, *, divided: bool = False) -> Found | None:
        return self.found.get(Path(path).name)


@pytest.fixture
async def marks(tmp_path: Path) -> AsyncIterator[VolumeMarks]:
    database = await new_database(tmp_path / "state.db")
    yield VolumeMarks(database)
    await database.close()


def keeper(disk: Disk, marks: VolumeMarks) -> VolumeKeeper:
    return VolumeKeeper(cast(Namespace, disk), marks)


def knots() -> Workload:
    volumes = tuple(VolumeDirectory(f"/v/{name}", 65537, 65537) for name in ("chain", "index", "wallets"))
    return cast(Workload, SimpleNamespace(app=KNOTS.id, volumes=volumes))


async def test_volumes_of_a_node_that_kept_no_marks_are_known_before_their_apps_start_again(marks: VolumeMarks) -> None:
    empty, foreign = Found(Mark(12, None), True, False), Found(Mark(13, None), False, True)
    disk = Disk({"chain": Found(DATA, False, False), "wallets": empty, "index": foreign})
    await keeper(disk, marks).adopt([knots()])
    # Neither the place of a disk that may be missing, nor what belongs to others, is taken for the app's.
    assert await marks.of(KNOTS.id) == {"chain": DATA}
    del disk.found["chain"]
    verdicts = {trouble.volume: trouble.verdict for trouble in await keeper(disk, marks).troubles(knots())}
    assert verdicts == {"chain": VolumeVerdict.GONE, "index": VolumeVerdict.FOREIGN}


async def test_what_is_known_of_a_volume_is_not_known_anew(marks: VolumeMarks) -> None:
    await marks.keep(KNOTS.id, {"wallets": DISK})
    disk = Disk({"chain": Found(DATA, False, False), "wallets": Found(DATA, False, False)})
    await keeper(disk, marks).adopt([knots()])
    assert await marks.of(KNOTS.id) == {"wallets": DISK, "chain": DATA}


@pytest.mark.parametrize(
    ("there", "mounted", "code"),
    [
        ({}, (), ErrorCode.DATA_MISSING),
        ({"wallets": Found(DATA, True, False)}, (), ErrorCode.DATA_MISSING),
        ({"wallets": Found(DISK, False, False, mounted=True)}, (), ErrorCode.STILL_NEEDED),
        ({"wallets": Found(DATA, False, False)}, ("wallets",), ErrorCode.STILL_NEEDED),
        ({"wallets": Found(DATA, False, False)}, ("chain",), None),
    ],
)
async def test_keys_to_money_that_cannot_be_kept_are_not_removed(
    there: dict[str, Found], mounted: tuple[str, ...], code: ErrorCode | None, marks: VolumeMarks, tmp_path: Path
) -> None:
    layout, namespace = Layout(tmp_path, tmp_path), cast(Namespace, Disk(there, mounted))
    nobody = cast(SecretsManager, None)
    data = AppData(layout, namespace, nobody, cast(State, None), marks, KeptStore(layout, namespace), NO_LIMITS)
    await marks.keep(KNOTS.id, {"chain": DATA, "wallets": DISK})
    if code is None:
        await data.refuse_unkeepable(record_of(KNOTS))
        return
    with pytest.raises(NodeError) as refusal:
        await data.refuse_unkeepable(record_of(KNOTS))
    assert refusal.value.code is code and "wallets" in refusal.value.message


async def test_volumes_are_there_before_an_app_is_installed(marks: VolumeMarks, tmp_path: Path) -> None:
    layout, namespace = Layout(tmp_path, tmp_path), cast(Namespace, Disk())
    nobody = cast(SecretsManager, None)
    data = AppData(layout, namespace, nobody, cast(State, None), marks, KeptStore(layout, namespace), NO_LIMITS)
    assert not await data.has_volumes(KNOTS.id)
    layout.app(KNOTS.id).volumes.mkdir(parents=True)
    assert not await data.has_volumes(KNOTS.id)
    layout.app(KNOTS.id).volume("chain").mkdir()
    assert await data.has_volumes(KNOTS.id)
