"""Every path below the data root and the run-time directory. Pure: it names files and touches none.

```
data root                                 run-time directory (in memory)
  apps/.layout.json   version               archipelago.sock
  apps/APP/volumes/   what it keeps         podman.sock
          /logs/      of its containers     files/APP/CONTAINER/   rendered files
          /secrets/   age files             trials/APP/CONTAINER/  those of scratch copies
          /sbom/      what is in its images           caddy/               the web server's own socket
          /kept/DATE/ keys to money that outlived its removal       onions/  sockets between it and Tor
          /snapshots/NAME/  all of it at one moment
          /backup/    what a backup that is being made has of its own
          /trial/     a scratch copy that runs for a trial
          /leases/    who may run the state that is never restored
          /streams/   copies of files that prove claims to money, one for each change
  state.db, node.key, identity.key
  logs/, images/, tls/, tmp/, backups/
```

Where one module has a folder to itself, it names the files in it by what they hold: the number of an entry, a digest.

Names that somebody else chose (of apps, volumes, containers) stand only where nothing of the node's own does, so no
name has to be reserved. `scripts/enter` puts Podman's own storage (`podman/`) and the data root's name (`.data-root`)
beside these.
"""

from dataclasses import dataclass
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

LAYOUT_VERSION = 2
"""Of what is described here. In version 1, folders of apps lay beside the node's own."""

DEFAULT_ROOT = "/var/lib/archipelago"
DEFAULT_RUNTIME = "/run/archipelago"

_AGE = ".age"
KEPT = "kept"
"""In the folder of an app: what outlived its removal."""
SNAPSHOTS = "snapshots"
"""In the folder of an app: what it was at some moments."""
TRIAL = "trial"
"""In the folder of an app: a scratch copy of it."""
OLD_PACKAGE_CACHE = "uv-cache"
"""Beside `Layout.builds`: what earlier versions kept, unpacked packages that nobody checked again. It is removed."""


def named(name: str) -> str:
    """Return a name if it can stand for one file beside `.layout.json` and its like; raises `NodeError`.

    Manifests are checked when they are read. This is the last place that could let a name lead elsewhere.
    """
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise NodeError(ErrorCode.INTERNAL, msg("{name} cannot be the name of a file", name=f"{name!r}"))
    return name


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Data of an app, with what belongs to its volumes."""

    path: Path

    @property
    def volumes(self) -> Path:
        """Folder of its volumes."""
        return self.path / "volumes"

    @property
    def secrets(self) -> Path:
        """Folder of its secrets, those of its consumers among them."""
        return self.path / "secrets"

    @property
    def leases(self) -> Path:
        """Folder of the leases of its states, beside the volumes, since programs want theirs for themselves."""
        return self.path / "leases"

    @property
    def streams(self) -> Path:
        """Folder of the copies of streamed files, in one folder for each volume."""
        return self.path / "streams"


@dataclass(frozen=True, slots=True)
class AppFolder(DataFolder):
    """The folder of one app: all that it has on disk is in it, and nothing of anybody else."""

    @property
    def logs(self) -> Path:
        """Folder of what its containers write."""
        return self.path / "logs"

    @property
    def sbom(self) -> Path:
        """Folder of the bills of materials of its images."""
        return self.path / "sbom"

    @property
    def kept(self) -> Path:
        """Folder of what outlived a removal of the app with its data, in one folder for each removal."""
        return self.path / KEPT

    def kept_at(self, name: str) -> "KeptFolder":
        """Return the folder of what outlived one removal."""
        return KeptFolder(self.kept / named(name))

    @property
    def snapshots(self) -> Path:
        """Folder of its snapshots, in one folder each."""
        return self.path / SNAPSHOTS

    def snapshot(self, name: str) -> "SnapshotFolder":
        """Return the folder of a snapshot."""
        return SnapshotFolder(self.snapshots / named(name))

    @property
    def backup(self) -> Path:
        """Folder of what backups that are being made have of their own, such as copies of databases."""
        return self.path / "backup"

    @property
    def trial(self) -> Path:
        """Folder of a scratch copy of the app while it runs for a trial; in it, the app has a folder as in `apps`."""
        return self.path / TRIAL

    def lease(self, state: str) -> Path:
        """Return the lease of the state in a volume, or in a part of one (`VOLUME.PART`)."""
        return self.leases / f"{named(state)}.json"

    def backup_at(self, name: str) -> Path:
        """Return the folder of what one of them has; `name` is that of no other."""
        return self.backup / named(name)

    def volume(self, name: str, part: str | None = None) -> Path:
        """Return the directory of a volume, or of a part of one that is kept apart."""
        whole = self.volumes / named(name)
        return whole if part is None else whole / named(part)

    def log(self, container: str) -> Path:
        """Return the log of a container."""
        return self.logs / f"{named(container)}.log"

    def secret(self, name: str) -> Path:
        """Return the age file of a secret."""
        return self.secrets / f"{named(name)}{_AGE}"

    def bill(self, container: str) -> Path:
        """Return the bill of materials of a container's image."""
        return self.sbom / f"{named(container)}.json"


@dataclass(frozen=True, slots=True)
class KeptFolder(DataFolder):
    """What outlived one removal of an app with its data."""

    @property
    def about(self) -> Path:
        """Says what is kept, in JSON."""
        return self.path / "about.json"

    def volume(self, name: str) -> Path:
        """Return the directory of a volume."""
        return self.volumes / named(name)


@dataclass(frozen=True, slots=True)
class SnapshotFolder(KeptFolder):
    """An app at one moment: its volumes, its secrets, and its record."""

    @property
    def record(self) -> Path:
        """The app as it was installed, in JSON: its package, options and ports."""
        return self.path / "record.json"

    @property
    def dumps(self) -> Path:
        """Folder of dumps of servers, of which the volumes are still to be made."""
        return self.path / "dumps"


@dataclass(frozen=True, slots=True)
class AppPaths:
    """The folder of one app as text, as `AppFolder` says: to compile a node takes thousands of these paths."""

    path: str

    @property
    def volumes(self) -> str:
        """Folder of its volumes."""
        return f"{self.path}/volumes"

    def volume(self, name: str) -> str:
        """Return the directory of a volume."""
        return f"{self.path}/volumes/{named(name)}"

    def log(self, container: str) -> str:
        """Return the log of a container."""
        return f"{self.path}/logs/{named(container)}.log"


def app_paths(apps: str, app: str) -> AppPaths:
    """Return the paths of an app below `Layout.apps`."""
    return AppPaths(f"{apps}/{named(app)}")


def app_folder(apps: Path, app: str) -> AppFolder:
    """Return the folder of an app below `Layout.apps`."""
    return AppFolder(apps / named(app))


def app_files(files: str, app: str) -> str:
    """Return the folder of an app's rendered files, below `Layout.files`."""
    return f"{files}/{named(app)}"


def container_files(files: str, app: str, container: str) -> str:
    """Return the folder of a container's rendered files, below `Layout.files`."""
    return f"{files}/{named(app)}/{named(container)}"


def secret_pattern(app: str = "*", file: str = f"*{_AGE}") -> str:
    """Return a pattern (glob(7)) for files of secrets below `Layout.apps`, made of one for apps and one for files."""
    return f"{named(app)}/secrets/{named(file)}"


def wrapped_key(plain: Path) -> Path:
    """Return the file of a key that a passphrase wraps; `plain` is the file of the same key without one."""
    return plain.with_name(f"{plain.name}.wrapped")


def second_name(socket: Path) -> Path:
    """Return another name for a socket, under which it is kept while another one takes its place."""
    return socket.with_name(f"{socket.name}.kept")


def audit_head(folder: Path) -> Path:
    """Return the file with the newest hash of the audit log in a folder."""
    return folder / "head.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one node keeps its things."""

    root: Path
    """Data that outlives a restart."""
    runtime: Path
    """Files in memory."""

    # --- apps ---------------------------------------------------------------------------------------------------------

    @property
    def apps(self) -> Path:
        """Folder of the folders of apps."""
        return self.root / "apps"

    @property
    def version_file(self) -> Path:
        """Says which layout this is; it appears together with `apps`, in one rename."""
        return self.apps / ".layout.json"

    @property
    def new_apps(self) -> Path:
        """What becomes `apps` at the end of a migration. No app can have this name."""
        return self.root / "apps.new"

    def app(self, app: str) -> AppFolder:
        """Return the folder of an app."""
        return app_folder(self.apps, app)

    @property
    def files(self) -> Path:
        """Folder in memory of the files that are rendered for containers, in one folder for each app."""
        return self.runtime / "files"

    @property
    def trial_files(self) -> Path:
        """Folder in memory of the files that are rendered for scratch copies, in one folder for each app."""
        return self.runtime / "trials"

    # --- the node's own -----------------------------------------------------------------------------------------------

    @property
    def lock(self) -> Path:
        """Held by the one daemon of this data root."""
        return self.root / "daemon.lock"

    @property
    def database(self) -> Path:
        """The state database."""
        return self.root / "state.db"

    @property
    def node_key(self) -> Path:
        """The key under which secrets lie, while no passphrase wraps it."""
        return self.root / "node.key"

    @property
    def wrapped_key(self) -> Path:
        """That key, wrapped by the owner's passphrase."""
        return wrapped_key(self.node_key)

    @property
    def identity_key(self) -> Path:
        """The key that signs what the node says."""
        return self.root / "identity.key"

    @property
    def logs(self) -> Path:
        """Folder of the node's own logs."""
        return self.root / "logs"

    @property
    def audit_log(self) -> Path:
        """Folder of the audit log."""
        return self.logs / "audit"

    @property
    def podman_log(self) -> Path:
        """What Podman's API service writes."""
        return self.logs / "podman.log"

    @property
    def caddy_log(self) -> Path:
        """What the web server in front of apps writes."""
        return self.logs / "caddy.log"

    @property
    def images(self) -> Path:
        """Folder of the signatures of images that were built here."""
        return self.root / "images"

    @property
    def backups(self) -> Path:
        """Folder of the targets of backups, in one folder each."""
        return self.root / "backups"

    @property
    def restic_cache(self) -> Path:
        """Folder of what restic knows of repositories, and can read again."""
        return self.temporary / "restic"

    @property
    def backup_view(self) -> Path:
        """Where restic sees what it writes, in a mount namespace of its own."""
        return self.runtime / "backup"

    @property
    def tls(self) -> Path:
        """Folder of the node's authority and certificate."""
        return self.root / "tls"

    @property
    def temporary(self) -> Path:
        """Folder for what need not outlive a restart, on disk; TMPDIR of Podman."""
        return self.root / "tmp"

    @property
    def builds(self) -> Path:
        """Folder of images that are being built."""
        return self.temporary / "builds"

    @property
    def downloads(self) -> Path:
        """Folder of packages that were fetched for builds, and may be fetched again."""
        return self.temporary / "python-packages"

    # --- in memory ----------------------------------------------------------------------------------------------------

    @property
    def socket(self) -> Path:
        """The node's own unix socket."""
        return self.runtime / "archipelago.sock"

    @property
    def podman_socket(self) -> Path:
        """Where Podman's API service listens."""
        return self.runtime / "podman.sock"

    @property
    def caddy(self) -> Path:
        """Folder of the web server in front of apps, which sees no other."""
        return self.runtime / "caddy"

    @property
    def onions(self) -> Path:
        """Folder of a socket for each onion service: Caddy listens on them, and Tor has it mounted."""
        return self.caddy / "onions"
