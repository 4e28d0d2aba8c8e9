"""What the doctor asks of the host itself: space, memory, clock, devices, the node's key. Blocking.

Each check yields nothing or findings; one that may not look raises `OSError`.
"""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from archipelago.api.system import Finding, Severity
from archipelago.errors import DISK_REMEDY, is_disk_full
from archipelago.performance import host
from archipelago.performance.resource_manager.disk_level import DiskLevel, disk_level
from archipelago.storage.file_modes import wrong_modes
from archipelago.storage.layout import Layout
from archipelago.storage.layout_migration import left_behind
from archipelago.storage.tls_folder import TlsFolder
from archipelago.support.texts.text import msg

_GIB = 1024**3
_DAY = 86400.0
_LITTLE_MEMORY = _GIB


def disk(root: Path) -> Iterator[Finding]:
    """Look at the space left for data below `root`, which need not exist yet."""
    total, free = host.disk(next(path for path in (root, *root.parents) if path.exists()))
    text = msg(
        "{free} of {total} GiB are free under {root}", free=f"{free / _GIB:.1f}", total=f"{total / _GIB:.1f}", root=root
    )
    level = disk_level(free, total)
    if level is not DiskLevel.PLENTY:
        yield Finding(
            check="disk",
            severity=Severity.ERROR if level is DiskLevel.CRITICAL else Severity.WARNING,
            what=text,
            why=msg("databases are damaged when a disk runs full"),
            mend=msg("remove apps or files that you do not need, or move the data to a larger disk"),
        )
    else:
        yield Finding(check="disk", severity=Severity.OK, what=text)


def disk_works(layout: Layout) -> Iterator[Finding]:
    """Look whether the node's disk takes what is written to it: a small file is written, and removed."""
    probe = layout.temporary / ".disk-works"
    try:
        with probe.open("wb", buffering=0) as file:
            file.write(b"?")
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        if is_disk_full(error):
            return  # the check of the space says it
        yield Finding(
            check="disk-works",
            severity=Severity.ERROR,
            what=msg("nothing can be written to the disk of {root}: {error}", root=layout.root, error=error.strerror),
            why=msg(
                "nothing can be changed, and apps lose what they write; a disk that breaks is often made read-only"
            ),
            mend=DISK_REMEDY,
        )


def memory() -> Iterator[Finding]:
    """Look at the memory that is left."""
    total, available = host.memory()
    text = msg(
        "{available} of {total} GiB of memory are available",
        available=f"{available / _GIB:.1f}",
        total=f"{total / _GIB:.1f}",
    )
    if available < _LITTLE_MEMORY / 4:
        yield Finding(
            check="memory",
            severity=Severity.WARNING,
            what=text,
            why=msg("the kernel kills processes when memory runs out"),
            mend=msg("stop an app, or lower the memory that it may use"),
        )
    else:
        yield Finding(check="memory", severity=Severity.OK, what=text)


def clock() -> Iterator[Finding]:
    """Look whether systemd knows the clock to be right; without systemd nobody can be asked."""
    synchronised = Path("/run/systemd/timesync/synchronized").exists()
    if Path("/run/systemd/system").is_dir() and not synchronised:
        yield Finding(
            check="clock",
            severity=Severity.NOTE,
            what=msg("the clock is not known to be synchronised"),
            why=msg("Bitcoin refuses blocks, and logins fail, when the clock is far off"),
            mend="timedatectl set-ntp true",
        )


def clock_behind(installed: Path, now: float) -> Iterator[Finding]:
    """Look whether the clock is behind the day on which a file of this version was written; `now` is in seconds."""
    written = installed.stat().st_mtime
    if now < written - _DAY:
        yield Finding(
            check="clock-behind",
            severity=Severity.WARNING,
            what=msg(
                "the clock says {now}, and this version of the node was installed on {installed}",
                now=_day(now),
                installed=_day(written),
            ),
            why=msg("certificates, logins and blocks are taken for wrong when the clock is"),
            mend="timedatectl set-ntp true",
        )


def kept_certificates(folder: TlsFolder, now: datetime) -> Iterator[Finding]:
    """Look whether certificates have ended while no node was there to make new ones."""
    # What reads them takes a megabyte, and a start has no need of it.
    from archipelago.security.keys.tls_identity import validity

    for path in (folder.authority[0], folder.node[0]):
        if not path.exists():
            continue
        _, end = validity(path.read_bytes())
        if end <= now:
            yield Finding(
                check="certificates",
                severity=Severity.WARNING,
                what=msg("the certificate {path} ended on {date}", path=path.name, date=end.date().isoformat()),
                why=msg("browsers warn of the node"),
                mend=msg("look at the clock ('timedatectl'), then start the node: it makes a new one"),
            )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def tun() -> Iterator[Finding]:
    """Look whether this process may open the device of rootless networks."""
    device = Path("/dev/net/tun")
    if not device.exists() or not os.access(device, os.R_OK | os.W_OK):
        yield Finding(
            check="tun",
            severity=Severity.ERROR,
            what=msg("{device} cannot be opened", device=device),
            why=msg("apps that may reach the internet cannot"),
            mend=f"modprobe tun && chmod 0666 {device}",
        )


def key_file(key: Path) -> Iterator[Finding]:
    """Look whether others can read the node's key; a node that was never started has none."""
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except FileNotFoundError:
        return
    if mode & 0o077:
        yield Finding(
            check="key-file",
            severity=Severity.ERROR,
            what=msg("{key} can be read by others", key=key),
            why=msg("it opens every secret of this node"),
            mend=f"chmod 0600 {key}",
        )


def file_modes(layout: Layout) -> Iterator[Finding]:
    """Look whether other users of the host can read what is the node's."""
    for wrong in wrong_modes(layout):
        yield Finding(
            check="file-modes",
            severity=Severity.ERROR,
            what=msg("others may read {path}: {why}", path=wrong.path, why=wrong.why),
            why=msg(
                "any user of this host could copy passwords, sessions or secrets; the node puts right what is its own"
            ),
            mend=msg("look who made it, then: chmod {mode} {path}", mode=f"{wrong.mode:04o}", path=wrong.path),
        )


def left_data(layout: Layout) -> Iterator[Finding]:
    """Look for data of apps that lies where an earlier version of the node kept it."""
    for left in left_behind(layout):
        yield Finding(
            check="left-data",
            severity=Severity.WARNING,
            what=msg(
                "{folder} holds data of an app, but this version looks for it in {apps}",
                folder=left.folder,
                apps=layout.apps,
            ),
            why=msg("the app runs without it, or would start without it"),
            mend=left.remedy,
        )
