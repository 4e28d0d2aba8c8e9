"""An app as its scratch copy runs: under other names, with one loopback and nothing else to talk to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from archipelago.container.podman_client.labels import TRIAL
from archipelago.container.podman_client.spec import BindMount, ContainerSpec, ResourceLimits
from archipelago.container.workload.workload import ContainerWorkload, RenderedFile, Workload
from archipelago.performance.resource_manager.budgets import ContainerBudget
from archipelago.security.secrets.secret import SecretBytes

_PREFIX = "archipelago_trial_"
"""Unlike the names of apps' containers, which have no underscore."""
_BUSYBOX = PurePosixPath("/.archipelago/busybox")
_HOSTS = PurePosixPath("/etc/hosts")
_FIRST_TO_GO = 500
"""Where memory runs out, the kernel ends the copy before any app (proc(5), `oom_score_adj`)."""
_LOOPBACK = "127.0.0.1"
_LEAST_QUOTA = 1_000
"""Microseconds: the kernel refuses less."""


@dataclass(frozen=True, slots=True)
class IsolatedApp:
    """What a trial run starts."""

    app: str
    anchor: ContainerSpec
    """Has the loopback, and does nothing else: it stays when a container of the app ends."""
    containers: tuple[ContainerWorkload, ...]
    """In start order."""
    hosts: RenderedFile
    """The names of its containers."""


def anchor_name(app: str) -> str:
    """Return the name of the container that has the loopback of an app's trial run."""
    return f"{_PREFIX}{app}"


def isolated(
    workload: Workload,
    images: Mapping[str, str],
    budgets: Mapping[str, ContainerBudget],
    *,
    node_id: str,
    busybox: str,
    files: str,
    longest: int,
) -> IsolatedApp:
    """Return the scratch copy of an app that was compiled for a place of its own.

    `images` are ids by container, and `budgets` what each may take here; `busybox` is a static one of the host, `files`
    the folder of the app's rendered files, and `longest` the seconds after which everything of it ends, also without a
    daemon.
    """
    app, first = workload.app, workload.containers[0]
    owner = workload.passages[0].gid
    hosts = RenderedFile(f"{files}/hosts", SecretBytes(_hosts(workload)), 0o444, owner, owner)
    labels = {TRIAL: node_id}
    anchor = ContainerSpec(
        name=anchor_name(app),
        image=images[first.container],
        entrypoint=(str(_BUSYBOX), "sleep", str(longest)),
        command=(),
        env_from_image=False,
        user="1000:1000",
        mounts=(BindMount(PurePosixPath(busybox), _BUSYBOX),),
        id_mappings=first.spec.id_mappings,
        cgroup_parent=first.spec.cgroup_parent,
        stop_timeout=0,
        labels=labels,
        longest_run=longest,
    )
    containers = tuple(
        replace(
            each,
            name=f"{anchor.name}--{each.container}",
            spec=replace(
                each.spec,
                name=f"{anchor.name}--{each.container}",
                image=images[each.container],
                networks={},
                network_of=anchor.name,
                dns_servers=(),
                ports=(),
                # What is plugged in is the real app's.
                devices=(),
                mounts=(*each.spec.mounts, BindMount(PurePosixPath(hosts.path), _HOSTS)),
                labels=labels,
                limits=_limited(each.spec.limits, budgets[each.container]),
                longest_run=longest,
                oom_score_adj=_FIRST_TO_GO,
            ),
        )
        for each in workload.containers
    )
    return IsolatedApp(app, anchor, containers, hosts)


def _limited(limits: ResourceLimits, budget: ContainerBudget) -> ResourceLimits:
    """Return the limits that this host enforces, as the budget has them. No keeper writes them while the copy runs."""
    quota = max(_LEAST_QUOTA, round(budget.cpu * limits.cpu_period))
    return replace(
        limits,
        memory=limits.memory and budget.memory,
        memory_swap=limits.memory_swap and budget.memory,
        cpu_quota=limits.cpu_quota and quota,
        pids=limits.pids and budget.pids,
    )


def _hosts(workload: Workload) -> bytes:
    names = dict.fromkeys(["localhost"])
    for each in workload.containers:
        names.update(dict.fromkeys([each.container, each.spec.hostname]))
    return f"{_LOOPBACK} {' '.join(filter(None, names))}\n::1 localhost\n".encode()
