"""What the doctor can see of the work of `make setup` without Podman: programs, user, ids, configuration. Blocking.

scripts/prepare-host makes all of it, and looks at the same things before it believes that there is nothing to do.
"""

import filecmp
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

from archipelago.api.system import Finding, Severity
from archipelago.support.texts.text import msg

IDS_NEEDED = 65536 * 256
"""Subordinate ids of the service user: 256 apps with 65,536 each. As in scripts/prepare-host."""

SERVICE_USER = "archipelago"
"""As in scripts/lib.sh."""

_CONFIG = Path("/etc/archipelago")
_SHIPPED = Path(__file__).resolve().parents[4] / "scripts" / "config"
_MEND = "make setup"


def programs() -> Iterator[Finding]:
    """Look whether Podman is installed at all."""
    if shutil.which("podman") is None:
        yield Finding(
            check="podman",
            severity=Severity.ERROR,
            what=msg("there is no program 'podman' on the PATH"),
            why=msg("every app runs in a container of Podman"),
            mend=_MEND,
        )


def service_user(user: str = SERVICE_USER) -> Iterator[Finding]:
    """Look whether there is a user that owns the node."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        yield Finding(
            check="service-user",
            severity=Severity.ERROR,
            what=msg("there is no user {user}", user=user),
            why=msg("the node runs as a user that owns nothing else"),
            mend=_MEND,
        )


def granted_ids(files: tuple[Path, ...] = (Path("/etc/subuid"), Path("/etc/subgid"))) -> Iterator[Finding]:
    """Look whether the service user is granted enough ids in each of the files (subuid(5))."""
    for file in files:
        granted = _granted(file)
        if granted < IDS_NEEDED:
            yield too_few_ids(str(file), granted, _MEND)


def configuration(shipped: Path = _SHIPPED, installed: Path = _CONFIG) -> Iterator[Finding]:
    """Look whether Podman's configuration is as it was shipped; where nothing was shipped, there is nothing to say."""
    for source in sorted(shipped.glob("*")):
        target = installed / source.name
        if target.is_file() and filecmp.cmp(source, target, shallow=False):
            continue
        yield Finding(
            check="configuration",
            severity=Severity.ERROR,
            what=f"{target} " + ("differs from the one that came with the node" if target.exists() else "is missing"),
            why=msg("Podman would run apps in other ways than they were tested with"),
            mend=_MEND,
        )


def too_few_ids(where: str, granted: int, mend: str) -> Finding:
    """Return the finding for a number of granted ids that is too small."""
    apps = max(0, (granted // 65536) - 1)
    return Finding(
        check="subordinate-ids",
        severity=Severity.WARNING if apps >= 10 else Severity.ERROR,
        what=msg(
            "{where} grants {service_user} {granted} subordinate ids, enough for {apps} apps",
            where=where,
            service_user=SERVICE_USER,
            granted=granted,
            apps=apps,
        ),
        why=msg("each app has a range of user ids of its own, so that none can touch another's files"),
        mend=mend,
    )


def _granted(file: Path) -> int:
    try:
        lines = file.read_bytes().decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return 0
    entries = [line.split(":") for line in lines]
    return sum(
        int(entry[2]) for entry in entries if len(entry) == 3 and entry[0] == SERVICE_USER and entry[2].isdigit()
    )
