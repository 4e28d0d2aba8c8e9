"""Repairs that apps declare: which a failure suggests, what an order says, and how a keeper carries it out."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import cast

import pytest

from archipelago.api.health import Failure, Health, HealthState
from archipelago.container.manifest.package import load_package
from archipelago.container.namespace.client import Namespace
from archipelago.container.operations.repairs import effects, repair_views
from archipelago.container.podman_client.labels import REPAIR
from archipelago.container.podman_client.spec import ContainerSpec
from archipelago.container.reconciler.keeper.repairer import Repairer
from archipelago.container.reconciler.repair_order import CopiesReturn, FileChange, RepairOrder
from archipelago.errors import ErrorCode, NodeError
from support.checkout import APPS

KNOTS = load_package(APPS / "bitcoin-knots").manifest
ELECTRUMX = load_package(APPS / "electrumx").manifest
NOW = datetime(2026, 1, 2, tzinfo=UTC)
SAID = "Error: Settings file could not be read:"


def failing(*logs: str, state: HealthState = HealthState.BACKING_OFF, reason: str = "") -> dict[str, Health]:
    failure = Failure(at=NOW, reason="ended with exit code 1", logs=logs)
    return {"main": Health(state=state, reason=reason, failure=failure)}


def suggested(healths: dict[str, Health]) -> list[str]:
    return [view.repair for view in repair_views(KNOTS, healths) if view.suggested]


def test_a_failure_suggests_what_its_last_words_are_a_sign_of() -> None:
    assert suggested(failing("2026 Verifying blocks", SAID)) == ["settings"]
    assert suggested(
        failing(": Error opening coins database.", "Please restart with -reindex or -reindex-chainstate")
    ) == [
        "rebuild_state",
        "rebuild_all",
    ]
    assert suggested(failing("something else")) == []
    assert len(repair_views(KNOTS, failing(SAID))) == len(KNOTS.repairs)
    assert repair_views(KNOTS, failing(SAID))[0].repair == "settings"


@pytest.mark.parametrize("state", [HealthState.HEALTHY, HealthState.SYNCING, HealthState.STOPPED, HealthState.STOPPING])
def test_an_app_that_is_well_again_suggests_nothing_by_its_old_failure(state: HealthState) -> None:
    assert suggested(failing(SAID, state=state)) == []


def test_what_a_probe_says_is_a_sign_too() -> None:
    ahead = failing(
        state=HealthState.UNHEALTHY, reason="the index, at block 9, is ahead of the node's chain, which ends at 5"
    )
    assert [view.repair for view in repair_views(ELECTRUMX, ahead) if view.suggested] == ["rebuild_index"]


ORDER = RepairOrder(
    "fix",
    "Fix it",
    (
        FileChange("chain", "/v/chain", ("regtest", "settings.json"), "aside-1"),
        FileChange("index", "/v/index", ()),
    ),
    {"main": ("-reindex",)},
)


def test_an_order_says_what_it_does_in_its_order() -> None:
    assert effects(ORDER) == (
        "the app is stopped",
        "regtest/settings.json in volume chain is kept as regtest/settings.json.aside-1, and not used",
        "everything in volume index is deleted",
        "main starts once with -reindex",
    )
    assert effects(RepairOrder("x", "X"))[-1] == "the app is started"


def test_an_order_says_how_many_copies_come_back_and_where() -> None:
    order = RepairOrder("x", "X", copies=(CopiesReturn("proofs", "/v/proofs", ("a", "b"), (Path("1"), Path("2"))),))
    assert effects(order)[1] == "2 copies that the node has kept are put into a/b in volume proofs"


async def test_copies_come_back_as_files_of_their_names(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).write_text(f"copy {name}")
    files = Files()
    found = repairer(files)
    copies = CopiesReturn("proofs", "/v/proofs", ("a",), (tmp_path / "1", tmp_path / "2"))
    answer = found.request(RepairOrder("x", "X", copies=(copies,)))
    await found.change_files()
    await answer
    assert files.done == [("put", "/v/proofs", "a", "1", "copy 1"), ("put", "/v/proofs", "a", "2", "copy 2")]


class Files:
    """Notes what is asked of the namespace."""

    def __init__(self, problem: NodeError | None = None) -> None:
        self.done: list[tuple[str, ...]] = []
        self.problem = problem

    async def set_aside(self, volume: str, names: tuple[str, ...], suffix: str) -> bool:
        self.done.append(("aside", volume, *names, suffix))
        return True

    async def discard(self, volume: str, names: tuple[str, ...]) -> None:
        if self.problem is not None:
            raise self.problem
        self.done.append(("discard", volume, *names))

    async def put(self, volume: str, names: tuple[str, ...], content: bytes) -> None:
        self.done.append(("put", volume, *names, content.decode()))


def repairer(files: Files) -> Repairer:
    return Repairer(cast(Namespace, files))


SPEC = ContainerSpec(name="c", image="i", command=("bitcoind",), log_path=PurePosixPath("/log"), labels={"a": "b"})


async def test_the_answer_comes_with_the_start_and_the_arguments_are_for_one_start() -> None:
    files = Files()
    found = repairer(files)
    answer = asyncio.ensure_future(found.request(ORDER))
    assert found.waits
    await found.change_files()
    assert files.done == [("aside", "/v/chain", "regtest", "settings.json", "aside-1"), ("discard", "/v/index")]
    assert not found.waits and not answer.done()
    assert found.once("other", SPEC) == SPEC
    once = found.once("main", SPEC)
    assert once.command == ("bitcoind", "-reindex") and once.labels == {"a": "b", REPAIR: "fix"}
    found.started("other")
    assert not answer.done()
    found.started("main")
    await answer
    assert found.once("main", SPEC) == SPEC


async def test_what_cannot_be_changed_is_the_answer_and_nothing_more_is_done() -> None:
    found = repairer(Files(NodeError(ErrorCode.INTERNAL, "the disk is read-only")))
    answer = found.request(ORDER)
    await found.change_files()
    with pytest.raises(NodeError, match="read-only"):
        await answer
    assert not found.waits and found.once("main", SPEC) == SPEC


async def test_who_asked_is_answered_where_the_app_is_not_to_run_any_longer() -> None:
    found = repairer(Files())
    answer = found.request(ORDER)
    found.give_up("it was stopped")
    with pytest.raises(NodeError, match="it was stopped"):
        await answer
    assert not found.waits


async def test_a_start_that_has_to_wait_keeps_nobody_waiting_and_its_arguments() -> None:
    found = repairer(Files())
    answer = found.request(ORDER)
    found.delayed()
    await found.change_files()
    found.delayed()
    await answer
    assert found.once("main", SPEC) != SPEC
    found.started("main")
    assert found.once("main", SPEC) == SPEC
