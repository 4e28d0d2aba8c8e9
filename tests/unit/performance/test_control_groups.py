"""Limits of containers that run are changed in the files of their control groups."""

from dataclasses import replace
from pathlib import Path

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.performance.control_groups import ControlGroups, limit_files
from archipelago.performance.resource_manager.budgets import ContainerBudget

BUDGET = ContainerBudget(memory=64 << 20, promised=32 << 20, cpu=0.5, cpu_weight=200, io_weight=5000, pids=20)
ALL = frozenset({"memory", "cpu", "io", "pids"})
FILES = ("memory.low", "memory.max", "cpu.max", "cpu.weight", "io.weight", "pids.max")


class Host:
    """A tree of control groups with one container, whose first process is 7."""

    def __init__(self, folder: Path, where: str = "/node/libpod-1f") -> None:
        self.proc, self.root = folder / "proc", folder / "cgroup"
        self.group = self.root / "node" / "libpod-1f"
        self.group.mkdir(parents=True)
        (self.proc / "7").mkdir(parents=True)
        (self.proc / "7" / "cgroup").write_text(f"1:cpu:/\n0::{where}\n")
        for name in FILES:
            (self.group / name).write_text("max")

    def groups(self, controllers: frozenset[str] = ALL, parent: str = "/node") -> ControlGroups:
        return ControlGroups(ControlGroup(parent, controllers), self.root, self.proc)

    def written(self) -> dict[str, str]:
        return {name: found for name in FILES if (found := (self.group / name).read_text()) != "max"}


async def test_every_limit_is_written(tmp_path: Path) -> None:
    host = Host(tmp_path)
    await host.groups().apply("a-main", 7, BUDGET)
    assert host.written() == {
        "memory.low": str(32 << 20),
        "memory.max": str(64 << 20),
        "cpu.max": "50000 100000",
        "cpu.weight": "200",
        "io.weight": "default 5000",
        "pids.max": "20",
    }
    assert ("io.bfq.weight", "default 1000") in limit_files(BUDGET, ALL)


async def test_only_delegated_controllers_are_used(tmp_path: Path) -> None:
    host = Host(tmp_path)
    await host.groups(frozenset({"pids"})).apply("a-main", 7, BUDGET)
    assert host.written() == {"pids.max": "20"}
    await host.groups(frozenset(), parent="").apply("a-main", 7, BUDGET)


async def test_what_the_app_made_of_its_group_does_not_matter(tmp_path: Path) -> None:
    host = Host(tmp_path, "/node/libpod-1f/init.scope")
    await host.groups().apply("a-main", 7, BUDGET)
    assert host.written()["pids.max"] == "20"


async def test_a_process_elsewhere_and_one_that_ended_are_left_alone(tmp_path: Path) -> None:
    host = Host(tmp_path, "/nodes/libpod-1f")
    await host.groups().apply("a-main", 7, BUDGET)
    await host.groups().apply("a-main", 8, BUDGET)
    assert host.written() == {}


async def test_only_what_differs_is_written(tmp_path: Path) -> None:
    host = Host(tmp_path)
    groups = host.groups()
    await groups.apply("a-main", 7, BUDGET)
    (host.group / "pids.max").write_text("max")
    await groups.apply("a-main", 7, BUDGET)
    assert "pids.max" not in host.written()
    await groups.apply("a-main", 7, replace(BUDGET, pids=30))
    assert host.written()["pids.max"] == "30"
    groups.forget("a-main")
    (host.group / "pids.max").write_text("max")
    await groups.apply("a-main", 7, replace(BUDGET, pids=30))
    assert host.written()["pids.max"] == "30"


async def test_a_kill_for_memory_is_explained_once(tmp_path: Path) -> None:
    host = Host(tmp_path)
    events = host.root / "node" / "memory.events"
    events.write_text("low 0\noom 3\noom_kill 2\n")
    groups = host.groups()
    await groups.apply("a-main", 7, BUDGET)
    assert not await groups.was_out_of_memory()
    events.write_text("low 0\noom 4\noom_kill 3\n")
    assert await groups.was_out_of_memory()
    assert not await groups.was_out_of_memory()
    assert not await host.groups(parent="").was_out_of_memory()


def test_memory_that_cannot_be_taken_back_is_known(tmp_path: Path) -> None:
    host = Host(tmp_path)
    (host.group / "memory.stat").write_text("anon 100\nfile 5000\nshmem 20\nslab_reclaimable 300\n")
    assert host.groups().needed_memory([7, 8]) == 120
