"""The part of a container's spec that confines it: the least privilege, and what its manifest adds back. Pure."""

from dataclasses import dataclass, replace
from functools import lru_cache

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.manifest.model.containers import Container, ContainerResources, Security
from archipelago.container.podman_client.spec import ResourceLimits, Ulimit

_CPU_PERIOD = 100_000
_LEAST_CPU_QUOTA = 1_000
"""Microseconds; the kernel refuses less (sched/core.c, `min_cfs_quota_period`)."""


MASKED = ("/proc/kallsyms", "/proc/modules", "/sys/devices/virtual/dmi", "/sys/devices/virtual/powercap")
"""Hidden beyond what Podman hides: the kernel's addresses and modules, the host's serial numbers and power draw."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """The part of a container's spec that confines it."""

    limits: ResourceLimits
    ulimits: tuple[Ulimit, ...]
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ("ALL",)
    no_new_privileges: bool = True
    read_only: bool = True
    devices: tuple[str, ...] = ()
    mask: tuple[str, ...] = MASKED


def confine(container: Container) -> Confinement:
    """Return what a container may do; everything that its manifest does not name stays forbidden."""
    return _confinement(container.security, container.resources)


# Most containers have the same limits, and need nothing beyond the least.
@lru_cache(maxsize=256)
def _confinement(security: Security, resources: ContainerResources) -> Confinement:
    return Confinement(
        limits=ResourceLimits(
            memory=resources.memory,
            # Memory and swap together: the same as memory alone means no swap.
            memory_swap=resources.memory,
            cpu_quota=max(round(resources.cpu * _CPU_PERIOD), _LEAST_CPU_QUOTA),
            cpu_period=_CPU_PERIOD,
            pids=resources.pids,
        ),
        ulimits=(Ulimit("nofile", resources.open_files, resources.open_files),),
        # In a fixed order, so that the order in a manifest does not change the container's hash.
        cap_add=tuple(sorted({capability.value for capability in security.capabilities})),
        read_only=not security.writable_root,
        devices=tuple(sorted(set(security.devices))),
    )


def enforceable(limits: ResourceLimits, cgroup: ControlGroup) -> ResourceLimits:
    """Leave out what the runtime would refuse; a host without any control group takes all and enforces none."""
    if not cgroup.parent:
        return limits
    kept = limits
    if "memory" not in cgroup.controllers:
        kept = replace(kept, memory=None, memory_swap=None)
    if "cpu" not in cgroup.controllers:
        kept = replace(kept, cpu_quota=None)
    return kept if "pids" in cgroup.controllers else replace(kept, pids=None)
