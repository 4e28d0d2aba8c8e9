"""From our words to Podman's: pure translation of specs into the JSON of its SpecGenerator."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Mapping
from typing import Any

from archipelago.container.podman_client.spec import (
    BindMount,
    ContainerSpec,
    IdRange,
    Mount,
    NetworkAttachment,
    NetworkSpec,
    PortMapping,
    ResourceLimits,
)

# Podman takes any prefix of an ID for the thing itself, so a name must not look like one.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_FULL_ID = re.compile(r"[0-9a-f]{64}")


def is_safe_name(name: str) -> bool:
    """Return whether Podman can take this for nothing but a full name or a full ID."""
    return bool(_FULL_ID.fullmatch(name)) or bool(_NAME.fullmatch(name) and not _HEX.fullmatch(name))


def is_full_id(name: str) -> bool:
    """Return whether this is a whole ID and not a name."""
    return bool(_FULL_ID.fullmatch(name))


def filters(**wanted: list[str] | None) -> dict[str, str]:
    """Make the query parameter `filters`, or none when nothing is filtered."""
    named = {key: values for key, values in wanted.items() if values}
    return {"filters": json.dumps(named)} if named else {}


def label_filter(labels: Mapping[str, str | None] | None) -> list[str]:
    """Write labels as Podman filters by them; a value of None asks only that the label be there."""
    return [key if value is None else f"{key}={value}" for key, value in (labels or {}).items()]


def signal_number(name: str) -> int:
    """Find the number of `SIGTERM`, `TERM` or `15`; raise ValueError for anything else."""
    if name.isdigit():
        return int(signal.Signals(int(name)))
    full = name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}"
    try:
        return int(signal.Signals[full])
    except KeyError:
        raise ValueError(f"no such signal: {name}") from None


def container_request(spec: ContainerSpec) -> dict[str, Any]:
    """Translate a container; what is unset is left out, so that Podman's default holds."""
    if not is_safe_name(spec.name) or is_full_id(spec.name):
        raise ValueError(f"not a safe container name: {spec.name!r}")
    request: dict[str, Any] = {
        "name": spec.name,
        "image": spec.image or None,
        "rootfs": str(spec.rootfs) if spec.rootfs else None,
        "env": dict(spec.env),
        "unsetenvall": not spec.env_from_image or None,
        "labels": dict(spec.labels),
        "annotations": dict(spec.annotations) or None,
        "user": spec.user or None,
        "groups": list(spec.groups) or None,
        "hostname": spec.hostname or None,
        "work_dir": spec.workdir or None,
        "umask": spec.umask or None,
        "entrypoint": None if spec.entrypoint is None else list(spec.entrypoint),
        "command": None if spec.command is None else list(spec.command),
        "mounts": [_mount(mount) for mount in spec.mounts],
        "devices": [{"path": device} for device in spec.devices] or None,
        "stop_signal": signal_number(spec.stop_signal),
        "stop_timeout": spec.stop_timeout,
        "timeout": spec.longest_run or None,
        "init": spec.init,
        "oom_score_adj": spec.oom_score_adj,
        "shm_size": spec.shm_size,
        "cgroup_parent": spec.cgroup_parent or None,
        "log_configuration": {
            "driver": "k8s-file",
            "size": spec.log_max_size,
            "path": str(spec.log_path) if spec.log_path else "",
        },
        # What an image declares and no manifest shows: volumes that nobody knows of, and commands run as health checks.
        "image_volume_mode": "ignore",
        "healthconfig": {"Test": ["NONE"]},
        # The reconciler restarts, nobody else; and no container may speak to systemd's notify socket.
        "restart_policy": "no",
        "sdnotifyMode": "ignore",
        "r_limits": [{"type": u.name, "soft": u.soft, "hard": u.hard} for u in spec.ulimits] or None,
        "resource_limits": _limits(spec.limits),
        **_security(spec),
        **_network(spec),
    }
    return {key: value for key, value in request.items() if value is not None}


def network_request(spec: NetworkSpec) -> dict[str, Any]:
    """Translate a network."""
    if not is_safe_name(spec.name) or is_full_id(spec.name):
        raise ValueError(f"not a safe network name: {spec.name!r}")
    request: dict[str, Any] = {
        "name": spec.name,
        "driver": "bridge",
        "internal": spec.internal,
        "dns_enabled": spec.dns_enabled,
        "ipv6_enabled": spec.ipv6_enabled,
        "labels": dict(spec.labels),
        "options": {"isolate": "true"} if spec.isolate else {},
    }
    if spec.subnets:
        request["subnets"] = [{"subnet": str(subnet)} for subnet in spec.subnets]
    return request


def _security(spec: ContainerSpec) -> dict[str, Any]:
    request: dict[str, Any] = {
        "read_only_filesystem": spec.read_only_filesystem,
        "read_write_tmpfs": spec.read_write_tmpfs,
        "cap_drop": list(spec.cap_drop),
        "cap_add": list(spec.cap_add),
        "no_new_privileges": spec.no_new_privileges,
        "seccomp_profile_path": str(spec.seccomp_profile) if spec.seccomp_profile else None,
        "apparmor_profile": spec.apparmor_profile or None,
        "selinux_opts": list(spec.selinux_options) or None,
        "mask": list(spec.mask) or None,
        "unmask": list(spec.unmask) or None,
    }
    if spec.id_mappings:
        request["userns"] = {"nsmode": "private"}
        request["idmappings"] = {
            "HostUIDMapping": False,
            "HostGIDMapping": False,
            "UIDMap": [_id_range(part) for part in spec.id_mappings.uids],
            "GIDMap": [_id_range(part) for part in spec.id_mappings.gids],
        }
    return request


def _network(spec: ContainerSpec) -> dict[str, Any]:
    request: dict[str, Any] = {
        "dns_server": [str(server) for server in spec.dns_servers] or None,
        "hostadd": [f"{name}:{address}" for name, address in spec.hosts.items()] or None,
        "portmappings": [_port(port) for port in spec.ports] or None,
    }
    if spec.network_of:
        request["netns"] = {"nsmode": "container", "value": spec.network_of}
    elif spec.networks:
        request["netns"] = {"nsmode": "bridge"}
        request["Networks"] = {name: attachment_request(place) for name, place in spec.networks.items()}
    else:
        request["netns"] = {"nsmode": "none"}
    return request


def attachment_request(place: NetworkAttachment) -> dict[str, Any]:
    """Translate a place in a network."""
    request: dict[str, Any] = {"aliases": list(place.aliases)}
    if place.static_ip:
        request["static_ips"] = [str(place.static_ip)]
    return request


def _mount(mount: Mount) -> dict[str, Any]:
    # nosuid and nodev always: an app needs neither, and a volume is where it could put its own.
    options = ["nosuid", "nodev", "ro" if mount.read_only else "rw"]
    if mount.noexec:
        options.append("noexec")
    if isinstance(mount, BindMount):
        options += ["rbind", "rprivate"]
        if mount.relabel:
            options.append(mount.relabel)
        return {"type": "bind", "source": str(mount.source), "destination": str(mount.target), "options": options}
    options += [f"size={mount.size}", f"mode={mount.mode:o}"]
    return {"type": "tmpfs", "source": "tmpfs", "destination": str(mount.target), "options": options}


def _id_range(part: IdRange) -> dict[str, int]:
    return {"container_id": part.container_id, "host_id": part.host_id, "size": part.size}


def _port(port: PortMapping) -> dict[str, Any]:
    return {
        "host_ip": port.host_ip,
        "host_port": port.host_port,
        "container_port": port.container_port,
        "protocol": port.protocol.value,
        "range": 1,
    }


def _limits(limits: ResourceLimits) -> dict[str, Any] | None:
    if not limits:
        return None
    memory = {"limit": limits.memory, "swap": limits.memory_swap, "reservation": limits.memory_reservation}
    cpu = {
        "quota": limits.cpu_quota,
        "period": limits.cpu_period if limits.cpu_quota is not None else None,
        "shares": limits.cpu_shares,
    }
    found = {
        "memory": {key: value for key, value in memory.items() if value is not None},
        "cpu": {key: value for key, value in cpu.items() if value is not None},
        "pids": {"limit": limits.pids} if limits.pids is not None else {},
    }
    return {key: value for key, value in found.items() if value}
