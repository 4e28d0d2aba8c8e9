"""What the doctor reads from Podman's answer to `info`. Pure."""

from collections.abc import Collection, Iterator

from archipelago.api.system import Finding, Severity
from archipelago.container.podman_client.models import PodmanInfo
from archipelago.performance.checks.setup import IDS_NEEDED, too_few_ids
from archipelago.support.texts.text import msg

_START = msg("stop the node, and start it with 'make run'")


def version(podman: PodmanInfo) -> Iterator[Finding]:
    """Look whether Podman is new enough."""
    number = tuple(int(part) for part in podman.version.split("-")[0].split(".")[:2])
    if number < (4, 3):
        yield Finding(
            check="podman-version",
            severity=Severity.ERROR,
            what=msg("Podman {version} is older than 4.3", version=podman.version),
            why=msg("apps may not start, or not be kept apart"),
            mend="apt-get install podman, on Debian 12 or newer",
        )
    else:
        yield Finding(
            check="podman-version", severity=Severity.OK, what=msg("Podman {version}", version=podman.version)
        )


def rootless(podman: PodmanInfo) -> Iterator[Finding]:
    """Look whether containers run without root's rights."""
    if podman.rootless:
        yield Finding(check="rootless", severity=Severity.OK, what=msg("containers run without root's rights"))
    else:
        yield Finding(
            check="rootless",
            severity=Severity.ERROR,
            what=msg("Podman runs as root"),
            why=msg("an app that breaks out of its container would own the host"),
            mend=msg("start the node with 'make run', which uses a user of its own"),
        )


def storage_driver(podman: PodmanInfo) -> Iterator[Finding]:
    """Look how images are stored."""
    if podman.graph_driver == "overlay":
        yield Finding(check="storage-driver", severity=Severity.OK, what=msg("images are stored with overlay"))
    else:
        yield Finding(
            check="storage-driver",
            severity=Severity.WARNING,
            what=msg("images are stored with {graph_driver}, not overlay", graph_driver=podman.graph_driver),
            why=msg("each container takes a full copy of its image"),
            mend=_START,
        )


def subordinate_ids(podman: PodmanInfo) -> Iterator[Finding]:
    """Look whether the user ids that Podman has now are enough; one of them is the service user's own."""
    granted = sum(entry.size for entry in podman.uid_map if entry.container_id > 0)
    if granted < IDS_NEEDED:
        yield too_few_ids("Podman", granted, msg("make setup, then {start}", start=_START))
    else:
        yield Finding(check="subordinate-ids", severity=Severity.OK, what=msg("each app has user ids of its own"))


def unused_volumes(names: Collection[str]) -> Iterator[Finding]:
    """Name the volumes that an earlier version of the node let Podman make for apps, and that no container has now."""
    if names:
        yield Finding(
            check="unused-volumes",
            severity=Severity.WARNING,
            what=msg("volumes of Podman that belong to no container: {names}", names=", ".join(sorted(names))),
            why=msg("they may hold the only copy of an app's data from before, and they take space"),
            mend=msg("look at what is in them, then remove them as the node's user: 'podman volume rm NAME'"),
        )


def enforcement(not_enforced: tuple[str, ...]) -> Iterator[Finding]:
    """Put what the host does not enforce, in words for the owner, into findings."""
    for what in not_enforced:
        yield Finding(
            check="enforcement",
            severity=Severity.WARNING,
            what=msg("not enforced on this host: {what}", what=what),
            why=msg("an app that misbehaves can take more of the host than its manifest says"),
            mend=msg("boot with the unified cgroup hierarchy (kernel option systemd.unified_cgroup_hierarchy=1)")
            if "cgroup" in what
            else msg("enable AppArmor in the kernel (apparmor=1 security=apparmor)"),
        )
