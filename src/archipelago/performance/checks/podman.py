"""What the doctor reads from Podman's answer to `info`. Pure."""

from collections.abc import Iterator

from archipelago.api.system import Finding, Severity
from archipelago.container.podman_client.models import PodmanInfo
from archipelago.performance.checks.setup import IDS_NEEDED, too_few_ids

_START = "stop the node, and start it with 'make run'"


def version(podman: PodmanInfo) -> Iterator[Finding]:
    """Look whether Podman is new enough."""
    number = tuple(int(part) for part in podman.version.split("-")[0].split(".")[:2])
    if number < (4, 3):
        yield Finding(
            check="podman-version",
            severity=Severity.ERROR,
            what=f"Podman {podman.version} is older than 4.3",
            why="apps may not start, or not be kept apart",
            mend="apt-get install podman, on Debian 12 or newer",
        )
    else:
        yield Finding(check="podman-version", severity=Severity.OK, what=f"Podman {podman.version}")


def rootless(podman: PodmanInfo) -> Iterator[Finding]:
    """Look whether containers run without root's rights."""
    if podman.rootless:
        yield Finding(check="rootless", severity=Severity.OK, what="containers run without root's rights")
    else:
        yield Finding(
            check="rootless",
            severity=Severity.ERROR,
            what="Podman runs as root",
            why="an app that breaks out of its container would own the host",
            mend="start the node with 'make run', which uses a user of its own",
        )


def storage_driver(podman: PodmanInfo) -> Iterator[Finding]:
    """Look how images are stored."""
    if podman.graph_driver == "overlay":
        yield Finding(check="storage-driver", severity=Severity.OK, what="images are stored with overlay")
    else:
        yield Finding(
            check="storage-driver",
            severity=Severity.WARNING,
            what=f"images are stored with {podman.graph_driver}, not overlay",
            why="each container takes a full copy of its image",
            mend=_START,
        )


def subordinate_ids(podman: PodmanInfo) -> Iterator[Finding]:
    """Look whether the user ids that Podman has now are enough; one of them is the service user's own."""
    granted = sum(entry.size for entry in podman.uid_map if entry.container_id > 0)
    if granted < IDS_NEEDED:
        yield too_few_ids("Podman", granted, f"make setup, then {_START}")
    else:
        yield Finding(check="subordinate-ids", severity=Severity.OK, what="each app has user ids of its own")


def enforcement(not_enforced: tuple[str, ...]) -> Iterator[Finding]:
    """Put what the host does not enforce, in words for the owner, into findings."""
    for what in not_enforced:
        yield Finding(
            check="enforcement",
            severity=Severity.WARNING,
            what=f"not enforced on this host: {what}",
            why="an app that misbehaves can take more of the host than its manifest says",
            mend="boot with the unified cgroup hierarchy (kernel option systemd.unified_cgroup_hierarchy=1)"
            if "cgroup" in what
            else "enable AppArmor in the kernel (apparmor=1 security=apparmor)",
        )
