"""Volumes are made of dumps one after the other: what is made stays, and what cannot be made leaves the dump."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.backups.dumps.commands import DumpCommands
from archipelago.backups.dumps.streams import StreamEnd
from archipelago.container.operations import dump_loads
from archipelago.container.operations.dump_loads import DumpLoads
from archipelago.container.operations.trial.scratch import TrialOrder
from archipelago.container.operations.trial.verdict import TrialOutcome, TrialVerdict
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout, SnapshotFolder
from support.app_manifests import app
from support.app_records import record_of
from support.own_namespace import OwnNamespace

DATABASE = {"type": "postgres", "container": "main"}
VOLUMES = {name: {"data": "database", "database": DATABASE} for name in ("a", "b")} | {"files": {"data": "files"}}
RECORD = record_of(app("harbour", volumes=VOLUMES))
GOOD = StreamEnd(0, 0, b"", (), complete=True, cut_off=False)


@dataclass
class Servers:
    """Takes the place of trial runs, and of the commands in their containers."""

    layout: Layout
    answers: list[StreamEnd] = field(default_factory=list)
    verdict: TrialVerdict = field(default_factory=lambda: TrialVerdict(TrialOutcome.PASSED))
    loaded: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    @property
    def scratch(self) -> Any:
        return SimpleNamespace(layout=self.layout)

    @property
    def client(self) -> Any:
        async def stop(name: str, *, timeout: int) -> None:
            self.stopped.append(name)

        return SimpleNamespace(containers=SimpleNamespace(stop=stop))

    async def run(
        self, order: TrialOrder, _: object, stay: Callable[[Any, TrialVerdict], Awaitable[None]], **__: object
    ) -> TrialVerdict:
        assert order.only == "main" and order.consume and order.keep
        assert not list(order.source.volumes.iterdir()), "the server starts on nothing"
        await stay(SimpleNamespace(name_of=lambda name: f"trial--{name}"), self.verdict)
        for name in ("a", "b"):  # the scratch copy has a directory for each volume
            order.source.volume(name).mkdir()
            (order.source.volume(name) / "made").write_text(",".join(self.loaded))
        return self.verdict

    async def load(self, name: str, _: DumpCommands, __: object, dump: Path) -> StreamEnd:
        assert name == "trial--main"
        self.loaded.append(dump.name)
        return self.answers.pop(0) if self.answers else GOOD


@pytest.fixture
def place(tmp_path: Path) -> SnapshotFolder:
    found = SnapshotFolder(tmp_path / "snapshot")
    found.dumps.mkdir(parents=True)
    found.volume("files").mkdir(parents=True)
    for name in ("a", "b"):
        (found.dumps / f"{name}.sql").write_text(name)
    return found


def loads(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DumpLoads:
    monkeypatch.setattr(dump_loads, "_PAUSE", 0.0)
    secrets = SimpleNamespace(beside=lambda _: None)
    return DumpLoads(cast(Any, servers), cast(Any, servers), cast(Any, OwnNamespace()), cast(Any, secrets))


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    return Servers(Layout(tmp_path / "root", tmp_path / "run"))


async def test_each_dump_becomes_a_volume(
    place: SnapshotFolder, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = loads(servers, tmp_path, monkeypatch)
    assert await work.load(RECORD, place) == 2
    assert sorted(path.name for path in place.volumes.iterdir()) == ["a", "b", "files"]
    assert (place.volume("a") / "made").read_text() == "a.sql" and len(servers.stopped) == 2
    assert not list(place.dumps.iterdir()) and not (place.path / "loading").exists()
    assert await work.load(RECORD, place) == 0, "after a crash, what is made is not made again"


async def test_a_server_that_starts_twice_gets_its_dump_again(
    place: SnapshotFolder, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.answers = [StreamEnd(2, 0, b"", ("server closed the connection",), complete=True, cut_off=False)]
    assert await loads(servers, tmp_path, monkeypatch).load(RECORD, place) == 2
    assert servers.loaded == ["a.sql", "a.sql", "b.sql"]


@pytest.mark.parametrize(
    "ended",
    [
        StreamEnd(1, 0, b"", ("no",), complete=True, cut_off=False),
        StreamEnd(0, 0, b"", ("psql: ERROR:  42P07: relation exists",), complete=True, cut_off=False),
        StreamEnd(0, 0, b"", ("NOTICE",) * 200, complete=False, cut_off=False),
        StreamEnd(0, 0, b"", (), complete=True, cut_off=True),
    ],
)
async def test_a_dump_that_cannot_be_loaded_stays_and_nothing_is_made(
    place: SnapshotFolder, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: StreamEnd
) -> None:
    servers.answers = [ended] * 3
    with pytest.raises(NodeError) as caught:
        await loads(servers, tmp_path, monkeypatch).load(RECORD, place)
    assert caught.value.code is ErrorCode.NOT_HEALTHY
    assert (place.dumps / "a.sql").exists() and not place.volume("a").exists() and not servers.stopped


async def test_a_server_that_does_not_come_up_gets_no_dump(
    place: SnapshotFolder, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.verdict = TrialVerdict(TrialOutcome.FAILED, "it crashes")
    with pytest.raises(NodeError, match="it crashes"):
        await loads(servers, tmp_path, monkeypatch).load(RECORD, place)
    assert not servers.loaded
