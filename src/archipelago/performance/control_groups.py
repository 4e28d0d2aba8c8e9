"""Changes the limits of containers while they run, in the files of their control groups (cgroup2).

`podman update` does so as well. But before version 5.4 it resets the limits that a call leaves out
(https://github.com/containers/podman/issues/24610), and each call starts a process. The groups belong to the service
user wherever controllers are delegated to the node.
"""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.performance.resource_manager.budgets import ContainerBudget

_ROOT = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
_CPU_PERIOD = 100_000
"""Microseconds."""
_LEAST_QUOTA = 1_000
_FIXED = ("anon", "shmem", "slab_unreclaimable", "kernel_stack", "pagetables")
"""Of `memory.stat`: what the kernel cannot take back without swap."""


class ControlGroups:
    """Writes limits of running containers, and only what differs from what it wrote before."""

    def __init__(self, delegated: ControlGroup, root: Path = _ROOT, proc: Path = _PROC) -> None:
        """`delegated` is where the node has its containers; where nothing is, limits are not enforced."""
        self._delegated = delegated
        self._root = root
        self._proc = proc
        self._written: dict[str, tuple[int, ContainerBudget]] = {}
        self._oom_kills: int | None = None
        """Processes in all containers that the kernel has killed for memory, as far as their ends were explained."""
        self._log = structlog.get_logger("limits")

    async def apply(self, name: str, pid: int, budget: ContainerBudget) -> None:
        """Have these limits count for a container, of which `pid` is the first process.

        A limit that the kernel refuses stays as it was, and is logged.
        """
        if self._delegated.parent and self._written.get(name) != (pid, budget):
            await asyncio.to_thread(self._write, name, pid, budget)
            self._written[name] = (pid, budget)

    async def was_out_of_memory(self) -> bool:
        """Return whether the kernel has killed a process of some container for memory since the last such answer.

        The group of a container goes with it, and Podman does not always learn of the reason.
        """
        kills = await asyncio.to_thread(self._read_oom_kills)
        before, self._oom_kills = self._oom_kills, kills
        return before is not None and kills > before

    def forget(self, name: str) -> None:
        """Take note that a container has ended."""
        self._written.pop(name, None)

    def needed_memory(self, pids: Iterable[int]) -> int:
        """Return the bytes that containers use and cannot give back; `pids` are their first processes. Blocking."""
        return sum(self._fixed(group) for pid in pids if (group := self._group(pid)) is not None)

    def _write(self, name: str, pid: int, budget: ContainerBudget) -> None:
        if self._oom_kills is None:
            self._oom_kills = self._read_oom_kills()
        group = self._group(pid)
        if group is None:
            return  # it has ended
        for file, value in limit_files(budget, self._delegated.controllers):
            try:
                (group / file).write_text(value)
            except FileNotFoundError:
                continue  # this kernel has no such limit, or the container has ended
            except OSError as error:
                self._log.warning("a limit is not changed", container=name, limit=file, why=error.strerror)

    def _group(self, pid: int) -> Path | None:
        """Return the directory of the container's group; None where the process has ended or is not in ours."""
        try:
            lines = (self._proc / str(pid) / "cgroup").read_text().splitlines()
        except OSError:
            return None
        path = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "")
        inner = path.removeprefix(f"{self._delegated.parent}/")
        if not self._delegated.parent or inner == path or not inner:
            return None
        # What runs in a container may have made groups of its own in that group.
        return self._node_group / inner.split("/")[0]

    @property
    def _node_group(self) -> Path:
        return self._root / self._delegated.parent.lstrip("/")

    def _read_oom_kills(self) -> int:
        # It counts what happens in groups below, also in those that are gone.
        return _numbers(self._node_group / "memory.events").get("oom_kill", 0) if self._delegated.parent else 0

    def _fixed(self, group: Path) -> int:
        found = _numbers(group / "memory.stat")
        return sum(found.get(name, 0) for name in _FIXED)


def _numbers(file: Path) -> dict[str, int]:
    """Return what a file with a name and a number in each line says; nothing where there is none."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, value in map(str.split, lines)}


def limit_files(budget: ContainerBudget, controllers: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the files of a control group with what is written into each, as far as its controller is there."""
    quota = max(round(budget.cpu * _CPU_PERIOD), _LEAST_QUOTA)
    files: Mapping[str, tuple[tuple[str, str], ...]] = {
        "memory": (("memory.low", str(budget.promised)), ("memory.max", str(budget.memory))),
        "cpu": (("cpu.max", f"{quota} {_CPU_PERIOD}"), ("cpu.weight", str(budget.cpu_weight))),
        # Which of them exists depends on the scheduler of the disk.
        "io": (("io.weight", f"default {budget.io_weight}"), ("io.bfq.weight", f"default {_bfq(budget.io_weight)}")),
        "pids": (("pids.max", str(budget.pids)),),
    }
    known = set(controllers)
    return tuple(each for controller, found in files.items() if controller in known for each in found)


def _bfq(weight: int) -> int:
    """Return the weight as BFQ takes it: from 1 to 1000."""
    return max(1, min(1000, weight))
