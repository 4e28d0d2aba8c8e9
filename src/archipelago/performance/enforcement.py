"""What was asked for and this host cannot enforce: said openly, never assumed."""

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.podman_client.models import PodmanInfo
from archipelago.support.texts.text import msg

_CONTROLLERS = {
    "memory": msg("memory limits"),
    "cpu": msg("CPU limits"),
    "pids": msg("limits on the number of processes"),
    "io": msg("shares of a busy disk"),
}


def not_enforced(info: PodmanInfo, cgroup: ControlGroup, no_firewall: str) -> tuple[str, ...]:
    """Return, in words for the owner, the protections that this host does not enforce.

    `no_firewall` says why containers can have no firewall; empty where they can.
    """
    found = [
        msg(
            "{what} (no {controller} controller of cgroup2 is delegated to this node)", what=what, controller=controller
        )
        for controller, what in _CONTROLLERS.items()
        if controller not in cgroup.controllers
    ]
    if no_firewall:
        found.append(
            msg(
                "firewall of containers: apps on one network reach all of each other's ports ({no_firewall})",
                no_firewall=no_firewall,
            )
        )
    if not info.seccomp:
        found.append(msg("system call filter (Podman was built without seccomp)"))
    if not info.apparmor and not info.selinux:
        found.append(msg("mandatory access control (the host has neither AppArmor nor SELinux for this user)"))
    return tuple(found)
