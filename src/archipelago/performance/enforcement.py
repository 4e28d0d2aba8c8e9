"""What was asked for and this host cannot enforce: said openly, never assumed."""

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.podman_client.models import PodmanInfo

_CONTROLLERS = {"memory": "memory limits", "cpu": "CPU limits", "pids": "limits on the number of processes"}


def not_enforced(info: PodmanInfo, cgroup: ControlGroup, no_firewall: str) -> tuple[str, ...]:
    """Return, in words for the owner, the protections that this host does not enforce.

    `no_firewall` says why containers can have no firewall; empty where they can.
    """
    found = [
        f"{what} (no {controller} controller of cgroup2 is delegated to this node)"
        for controller, what in _CONTROLLERS.items()
        if controller not in cgroup.controllers
    ]
    if no_firewall:
        found.append(f"firewall of containers: apps on one network reach all of each other's ports ({no_firewall})")
    if not info.seccomp:
        found.append("system call filter (Podman was built without seccomp)")
    if not info.apparmor and not info.selinux:
        found.append("mandatory access control (the host has neither AppArmor nor SELinux for this user)")
    return tuple(found)
