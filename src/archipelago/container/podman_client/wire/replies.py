"""From Podman's JSON to our values: pure, and forgiving about what differs between Podman 4.3 and 5."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import PurePosixPath
from typing import Any

from archipelago.container.podman_client.models import (
    ContainerDetails,
    ContainerState,
    ContainerStats,
    ContainerSummary,
    EventType,
    ImageDetails,
    ImageSummary,
    NetworkDetails,
    NetworkEndpoint,
    PodmanEvent,
    PodmanInfo,
)
from archipelago.container.podman_client.spec import IdRange, ResourceLimits
from archipelago.container.podman_client.wire.streams import parse_time

Json = Mapping[str, Any]


def container_summary(item: Json) -> ContainerSummary:
    """Read one line of the list of containers."""
    return ContainerSummary(
        id=item["Id"],
        name=(item.get("Names") or [""])[0].lstrip("/"),
        state=_state(item.get("State")),
        image=item.get("Image") or "",
        image_id=item.get("ImageID") or "",
        labels=dict(item.get("Labels") or {}),
        pid=item.get("Pid") or 0,
        exit_code=item.get("ExitCode") or 0,
        created_at=_time(item.get("Created")),
        started_at=_time(item.get("StartedAt")),
        exited_at=_time(item.get("ExitedAt")),
        networks=tuple(item.get("Networks") or ()),
    )


def container_details(item: Json) -> ContainerDetails:
    """Read an inspected container."""
    state, config, host = item.get("State") or {}, item.get("Config") or {}, item.get("HostConfig") or {}
    networks = (item.get("NetworkSettings") or {}).get("Networks") or {}
    return ContainerDetails(
        id=item["Id"],
        name=str(item.get("Name") or "").lstrip("/"),
        state=_state(state.get("Status")),
        pid=state.get("Pid") or 0,
        conmon_pid=state.get("ConmonPid") or 0,
        exit_code=state.get("ExitCode") or 0,
        oom_killed=bool(state.get("OOMKilled")),
        error=state.get("Error") or "",
        created_at=_time(item.get("Created")),
        started_at=_time(state.get("StartedAt")),
        finished_at=_time(state.get("FinishedAt")),
        restart_count=item.get("RestartCount") or 0,
        image=item.get("ImageName") or config.get("Image") or "",
        image_id=item.get("Image") or "",
        labels=dict(config.get("Labels") or {}),
        networks={name: _endpoint(name, place or {}) for name, place in networks.items()},
        limits=ResourceLimits(
            memory=host.get("Memory") or None,
            memory_swap=host.get("MemorySwap") or None,
            memory_reservation=host.get("MemoryReservation") or None,
            cpu_quota=host.get("CpuQuota") or None,
            cpu_period=host.get("CpuPeriod") or 100_000,
            cpu_shares=host.get("CpuShares") or None,
            pids=host.get("PidsLimit") or None,
        ),
        read_only=bool(host.get("ReadonlyRootfs")),
        effective_caps=tuple(item.get("EffectiveCaps") or ()),
        stop_signal=_signal(config.get("StopSignal")),
        stop_timeout=config.get("StopTimeout") or 0,
    )


def container_stats(item: Json) -> ContainerStats:
    """Read one container's use of resources."""
    return ContainerStats(
        id=item.get("ContainerID") or "",
        name=item.get("Name") or "",
        cpu_nanos=item.get("CPUNano") or 0,
        cpu_percent=float(item.get("CPU") or 0.0),
        memory=item.get("MemUsage") or 0,
        memory_limit=item.get("MemLimit") or 0,
        pids=item.get("PIDs") or 0,
        block_in=item.get("BlockInput") or 0,
        block_out=item.get("BlockOutput") or 0,
    )


def network_details(item: Json) -> NetworkDetails:
    """Read a network."""
    options = item.get("options") or {}
    subnets = [(ip_network(one["subnet"]), one.get("gateway")) for one in item.get("subnets") or ()]
    return NetworkDetails(
        id=item.get("id") or "",
        name=item.get("name") or "",
        interface=item.get("network_interface") or "",
        internal=bool(item.get("internal")),
        isolate=str(options.get("isolate", "")).lower() in ("true", "1", "strict"),
        dns_enabled=bool(item.get("dns_enabled")),
        labels=dict(item.get("labels") or {}),
        subnets=tuple(subnet for subnet, _ in subnets),
        # Where Podman does not say, it takes the first address.
        gateways=tuple(ip_address(gateway) if gateway else subnet[1] for subnet, gateway in subnets),
        created_at=_time(item.get("created")),
    )


def image_summary(item: Json) -> ImageSummary:
    """Read one line of the list of images."""
    names = tuple(name for name in item.get("Names") or item.get("RepoTags") or () if name != "<none>:<none>")
    return ImageSummary(
        id=item["Id"],
        names=names,
        digests=tuple(item.get("RepoDigests") or ()),
        labels=dict(item.get("Labels") or {}),
        size=item.get("Size") or 0,
        dangling=bool(item.get("Dangling", not names)),
        created_at=_time(item.get("Created")),
        containers=item.get("Containers") or 0,
    )


def image_details(item: Json) -> ImageDetails:
    """Read an inspected image."""
    config = item.get("Config") or {}
    return ImageDetails(
        id=item["Id"],
        digest=item.get("Digest") or "",
        repo_digests=tuple(item.get("RepoDigests") or ()),
        names=tuple(item.get("RepoTags") or ()),
        labels=dict(item.get("Labels") or config.get("Labels") or {}),
        size=item.get("Size") or 0,
        architecture=item.get("Architecture") or "",
        os=item.get("Os") or "",
        user=config.get("User") or item.get("User") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=tuple(config.get("Env") or ()),
        created_at=_time(item.get("Created")),
        workdir=config.get("WorkingDir") or "",
        exposed=tuple(sorted(config.get("ExposedPorts") or ())),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        layers=_layers((item.get("GraphDriver") or {}).get("Data") or {}),
    )


def _layers(graph: Json) -> tuple[str, ...]:
    below = str(graph.get("LowerDir") or "").split(":")
    return tuple(path for path in (str(graph.get("UpperDir") or ""), *below) if path)


def podman_event(item: Json) -> PodmanEvent | None:
    """Read an event; None for a line that is none."""
    kind, actor = str(item.get("Type") or "").lower(), item.get("Actor") or {}
    if not kind:
        return None
    attributes = {str(key): str(value) for key, value in (actor.get("Attributes") or {}).items()}
    nanos = item.get("timeNano") or (item.get("time") or 0) * 1_000_000_000
    return PodmanEvent(
        type=EventType(kind) if kind in set(EventType) else EventType.OTHER,
        action=str(item.get("Action") or item.get("status") or ""),
        id=actor.get("ID") or item.get("id") or "",
        name=attributes.get("name", ""),
        attributes=attributes,
        time=datetime.fromtimestamp(nanos / 1e9, UTC),
    )


def podman_info(item: Json) -> PodmanInfo:
    """Read what Podman says of the host."""
    host, store = item.get("host") or {}, item.get("store") or {}
    security, maps = host.get("security") or {}, host.get("idMappings") or {}
    return PodmanInfo(
        version=(item.get("version") or {}).get("Version") or "",
        rootless=bool(security.get("rootless")),
        cgroup_manager=host.get("cgroupManager") or "",
        cgroup_version=host.get("cgroupVersion") or "",
        cgroup_controllers=tuple(host.get("cgroupControllers") or ()),
        network_backend=host.get("networkBackend") or "",
        oci_runtime=(host.get("ociRuntime") or {}).get("name") or "",
        graph_driver=store.get("graphDriverName") or "",
        graph_root=PurePosixPath(store.get("graphRoot") or "/"),
        run_root=PurePosixPath(store.get("runRoot") or "/"),
        events_logger=host.get("eventLogger") or "",
        apparmor=bool(security.get("apparmorEnabled")),
        seccomp=bool(security.get("seccompEnabled")),
        selinux=bool(security.get("selinuxEnabled")),
        memory_total=host.get("memTotal") or 0,
        uid_map=tuple(_id_range(one) for one in maps.get("uidmap") or ()),
        gid_map=tuple(_id_range(one) for one in maps.get("gidmap") or ()),
    )


def _endpoint(name: str, place: Json) -> NetworkEndpoint:
    address = place.get("IPAddress") or place.get("GlobalIPv6Address")
    ip: IPv4Address | IPv6Address | None = ip_address(address) if address else None
    return NetworkEndpoint(name, ip, place.get("MacAddress") or None, tuple(place.get("Aliases") or ()))


def _id_range(one: Json) -> IdRange:
    return IdRange(one["container_id"], one["host_id"], one["size"])


def _state(text: object) -> ContainerState:
    word = str(text or "").lower()
    # Podman's own word for a container that was created and never started.
    word = "created" if word == "configured" else word
    return ContainerState(word) if word in set(ContainerState) else ContainerState.UNKNOWN


def _signal(value: object) -> int:
    """Podman 4 gives a number, Podman 5 a name."""
    if isinstance(value, int):
        return value
    name = str(value or "")
    if name.isdigit():
        return int(name)
    found = signal.Signals.__members__.get(name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}")
    return int(found) if found else 0


def _time(value: object) -> datetime | None:
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC) if value > 0 else None
    return parse_time(str(value)) if value else None
