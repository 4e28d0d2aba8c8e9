"""The hash of a container, by which the reconciler decides to make it again. Pure.

It is over names and values, without those that have their default: a field that a later version adds to the spec
restarts nothing. So a default must not change: what has it would not be made again. Pass another value instead.

Versions before hashed the values by their positions, defaults included. `former_hash` is for the containers that they
made, which run on under their label until something of them changes.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache, lru_cache
from operator import attrgetter
from pathlib import PurePath
from typing import Any

from archipelago.container.podman_client.spec import (
    BindMount,
    ContainerSpec,
    IdMappings,
    IdRange,
    PortMapping,
    ResourceLimits,
    TmpfsMount,
    Ulimit,
)

_FORM = "2-"
"""Starts a hash over names; those of the former form are hexadecimal digits alone."""
_UNHASHED = frozenset(("labels", "networks"))
"""Labels hold the hash; networks are joined and left while a container runs."""
_ALIKE = (TmpfsMount, ResourceLimits, Ulimit, IdMappings, IdRange, PortMapping)
"""Small parts, of which most containers have the same, and each container the same at each compilation."""
_FORMER_FIELDS: Mapping[type, tuple[str, ...]] = {
    ContainerSpec: (
        *("name", "image", "entrypoint", "command", "env", "env_from_image", "annotations", "user", "groups"),
        *("hostname", "workdir", "umask", "read_only_filesystem", "read_write_tmpfs", "mounts", "devices", "cap_drop"),
        *("cap_add", "no_new_privileges", "seccomp_profile", "apparmor_profile", "selinux_options", "mask", "unmask"),
        *("id_mappings", "limits", "ulimits", "oom_score_adj", "shm_size", "dns_servers", "dns_from_host", "hosts"),
        *("ports", "stop_signal", "stop_timeout", "init", "log_path", "log_max_size", "cgroup_parent"),
    ),
    BindMount: ("source", "target", "read_only", "noexec", "relabel"),
    TmpfsMount: ("target", "size", "mode", "noexec", "read_only"),
    IdMappings: ("uids", "gids"),
    IdRange: ("container_id", "host_id", "size"),
    ResourceLimits: (
        *("memory", "memory_swap", "memory_reservation", "cpu_quota", "cpu_period", "cpu_shares", "pids"),
    ),
    Ulimit: ("name", "soft", "hard"),
    PortMapping: ("container_port", "host_port", "host_ip", "protocol"),
}
"""What the former form hashed, in this order; what was added to the spec since has no place here."""


def spec_hash(spec: ContainerSpec, contents: Mapping[str, str], internet: bool, local_network: bool = False) -> str:
    """Return the hash of a container: of its spec, of what its files hold, and of what it reaches outside the node.

    Its firewall changes while it runs, but leaves connections alone that were opened before.
    """
    parts: dict[str, object] = {"spec": spec}
    if contents:
        parts["files"] = contents
    if internet:
        parts["internet"] = True
    if local_network:
        parts["local_network"] = True
    return _FORM + _short(_BY_NAME.encode(parts))


def is_former(hash: str) -> bool:
    """Return whether a hash is one of the former form."""
    return not hash.startswith(_FORM)


def former_hash(spec: ContainerSpec, contents: Mapping[str, str], internet: bool) -> str:
    """Return the hash that the versions before gave to the same container."""
    return _short(_BY_POSITION.encode([spec, contents, internet]))


def joined(hashes: Iterable[str]) -> str:
    """Return the hash of several hashes, in which there is nothing to escape."""
    return _short('["' + '","'.join(hashes) + '"]')


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _reader(kind: type) -> Callable[[Any], object]:
    """Return what a value of a class is hashed as: of a part of a spec, its name, and names and values in turn."""
    name = next((each.__name__ for each in kind.__mro__ if each in _FORMER_FIELDS), None)
    if name is None:
        return str if issubclass(kind, PurePath) else _plain
    hashed = sorted((each for each in fields(kind) if each.name not in _UNHASHED), key=attrgetter("name"))
    defaults = tuple((each.name, _default(each)) for each in hashed)
    values_of = attrgetter(*(each.name for each in hashed))

    def read(part: object) -> list[object]:
        found: list[object] = [name]
        for (field_name, default), value in zip(defaults, values_of(part), strict=True):
            # Most fields have their default, and then nearly always that very object.
            if value is not default and value != default:
                found.append(field_name)
                found.append(value)
        return found

    # What is remembered of a part is whole: nothing within it is looked up again.
    return lru_cache(maxsize=4096)(lambda part: _whole(read(part))) if kind in _ALIKE else read


def _whole(value: object) -> object:
    """Return what a value is hashed as, with all that is within it."""
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value]
    return value if value is None or isinstance(value, str | int | float) else _whole(_named(value))


def _default(field: Field[Any]) -> object:
    """Return the default of a field; `MISSING` for a field without one."""
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _named(value: object) -> object:
    return _reader(type(value))(value)  # type: ignore[arg-type]  # a class can be hashed


def _positioned(value: object) -> object:
    known = _FORMER_FIELDS.get(type(value))
    if known is None:
        return _plain(value)
    return [type(value).__name__, *(getattr(value, name) for name in known)]


def _plain(value: object) -> object:
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no place in a hash")


# A spec is a tree. To look for circles in it would take as long as to write it.
_BY_NAME = json.JSONEncoder(sort_keys=True, default=_named, separators=(",", ":"), check_circular=False)
_BY_POSITION = json.JSONEncoder(sort_keys=True, default=_positioned, separators=(",", ":"))
