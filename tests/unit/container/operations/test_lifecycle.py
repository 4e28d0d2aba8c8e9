"""What operations do to data while containers of their app may still run, or while the owner cancels."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field, make_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.operations import OperationKind
from archipelago.container.data.kept import NOTHING_KEPT, Keepsake
from archipelago.container.dependency_resolver.plan import Action, Plan, PlannedApp
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Work
from archipelago.container.operations.registry import find_kinds
from archipelago.container.operations.runner import JobRunner
from archipelago.container.operations.tracker import Tracker
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.labels import APP, NODE
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.proposals.proposal import Proposal
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import ErrorCode, NodeError
from support.checkout import APPS

NOBODY = cast(Any, None)


@dataclass
class Podman:
    """A Podman in which one container of an app that is not installed runs on."""

    found: list[ContainerSummary] = field(default_factory=list)

    @property
    def containers(self) -> "Podman":
        return self

    async def list(self, labels: dict[str, str]) -> list[ContainerSummary]:
        return self.found

    async def inspect(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(stop_timeout=600, stop_signal=15)

    async def stop(self, name: str, **_: object) -> None:
        self.found = [each for each in self.found if each.name != name]

    async def remove(self, name: str, **_: object) -> None:
        await self.stop(name)


@dataclass
class Data:
    """Writes down which containers ran when data was deleted."""

    podman: Podman
    deleted: list[tuple[str, int]] = field(default_factory=list)
    kept: list[Keepsake] = field(default_factory=list)
    volumes: bool = False

    async def delete(self, app: str, keepsake: Keepsake) -> None:
        self.kept.append(keepsake)
        self.deleted.append((app, len(self.podman.found)))

    async def forget_logs(self, app: str) -> None:
        pass

    async def has_volumes(self, app: str) -> bool:
        return self.volumes


class NoRecords:
    """The records of a node without apps."""

    async def load_apps(self) -> dict[str, object]:
        return {}

    async def has_slot(self, app: str) -> bool:
        return False


class Shelf:
    """A catalog with the apps of this repository."""

    async def read(self) -> "Shelf":
        return self

    def package(self, app: str) -> AppPackage:
        if app not in ("bitcoin-knots", "electrumx"):
            raise NodeError(ErrorCode.UNKNOWN_APP, f"there is no app {app}")
        return load_package(APPS / app)


class Silent:
    """Takes and answers whatever is asked of it."""

    closing = False

    def __getattr__(self, _: str) -> Any:
        async def done(*__: object, **___: object) -> None:
            pass

        return done


def running(app: str) -> ContainerSummary:
    labels = {APP: app, NODE: "node"}
    up = ContainerState.INITIALIZED
    return ContainerSummary("1f", f"{app}-main", up, "image", "sha", labels, 0, 0, None, None, None, ())


def lifecycle(podman: Podman, data: Data, **parts: object) -> tuple[JobRunner, Reconciler]:
    client, silent = cast(PodmanClient, podman), cast(Any, Silent())
    firewall = cast(Any, SimpleNamespace(forget=lambda _: None))
    reconciler = Reconciler(
        client, silent, firewall, silent, "node", "/files", Path("/run"), NOBODY, NOBODY, str, silent.told
    )
    given = {
        "state": NoRecords(),
        "catalog": Shelf(),
        "reconciler": reconciler,
        "pruner": SimpleNamespace(want=lambda: None),
        "data": data,
        "inventory": silent,
        "opener": None,
        **parts,
    }
    made = make_dataclass("GivenParts", given)(**given)
    return JobRunner(cast(JobParts, made), silent, find_kinds), reconciler


def work(made: JobRunner, kind: str, app: str, arguments: dict[str, Any]) -> Work:
    """Return the work of an operation that is resumed from its row."""
    return made.work(find_kinds()[kind].load(app, arguments))


async def test_a_removal_that_goes_on_after_a_crash_deletes_no_data_under_a_container_that_runs_on() -> None:
    podman = Podman([running("knots")])
    data = Data(podman)
    made, reconciler = lifecycle(podman, data)
    reconciler.sweep = Silent().swept  # type: ignore[method-assign]
    arguments = {"delete_data": True, "keepsake": asdict(NOTHING_KEPT)}
    async with asyncio.timeout(10):
        await work(made, OperationKind.REMOVE, "knots", arguments)(cast(Tracker, Silent()))
    assert data.deleted == [("knots", 0)]
    await reconciler.close()


@pytest.mark.parametrize(("app", "volumes"), [("bitcoin-knots", ("wallets",)), ("electrumx", ()), ("unknown", ())])
async def test_a_removal_of_an_earlier_version_keeps_what_the_catalog_calls_keys_to_money(
    app: str, volumes: tuple[str, ...]
) -> None:
    data = Data(Podman())
    made, reconciler = lifecycle(data.podman, data)
    reconciler.sweep = Silent().swept  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        await work(made, OperationKind.REMOVE, app, {"delete_data": True})(cast(Tracker, Silent()))
    assert [keepsake.volumes for keepsake in data.kept] == [volumes]
    await reconciler.close()


async def test_a_cancelled_installation_deletes_only_data_that_it_made() -> None:
    for there in (False, True):
        data = Data(Podman(), volumes=there)
        fetching = asyncio.Event()

        @contextlib.asynccontextmanager
        async def fetched(*_: object, begun: asyncio.Event = fetching) -> AsyncIterator[None]:
            begun.set()
            await asyncio.Event().wait()
            yield

        planned = PlannedApp(app="electrumx", name="x", version="1", action=Action.INSTALL)
        packages = {"electrumx": load_package(APPS / "electrumx")}
        proposal = Proposal.of(Plan(apps=(planned,)), packages, {}, "electrumx")

        async def plan(*_: object, proposal: Proposal = proposal) -> Proposal:
            return proposal

        async def found(*_: object, packages: dict[str, AppPackage] = packages) -> dict[str, AppPackage]:
            return packages

        made, reconciler = lifecycle(
            data.podman,
            data,
            planner=SimpleNamespace(plan=plan, packages=found),
            fetcher=SimpleNamespace(fetched=fetched),
        )
        arguments = {"options": {}, "choices": {}, "start": True}
        carried_out = work(made, OperationKind.INSTALL, "electrumx", arguments)(cast(Tracker, Silent()))
        task = asyncio.ensure_future(carried_out)
        await fetching.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert data.deleted == ([] if there else [("electrumx", 0)])
        await reconciler.close()
