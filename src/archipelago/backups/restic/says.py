"""What restic says: its lines of JSON, and its errors. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archipelago.api.backups import RepositoryPassword
from archipelago.errors import ErrorCode, NodeError, says_disk_broken, says_disk_full
from archipelago.support.texts.text import msg

_DAMAGED = (
    "ciphertext verification failed",
    "invalid data returned",
    "does not match",
    "unexpected eof",
    "unable to load",
    "not found in index",
    "load <",
    "load(<",
    "pack ",
    "wrong hash",
    "not found in repository",
    "repository contains errors",
)
_ABSENT = ("no such file or directory", "does not exist", "404", "nosuchkey")
_VANISHED = "no such file or directory"
NOT_ALLOWED = ("403 forbidden", "accessdenied", "access denied")
"""What servers say to what this login may never do; small letters."""
_WRONG_LOGIN = ("401 unauthorized", "request signature we calculated", "access key id you provided")
_NOT_WRITTEN = "(ssh_fx_failure)"
"""What OpenSSH says of a full disk, a used up quota and much else (sftp-server.c of OpenSSH, `errno_to_portable`)."""
HOPELESS = (*NOT_ALLOWED, _NOT_WRITTEN, "no such file or directory", "does not exist", "404 not found", "nosuchkey")
"""What is the same at the next attempt."""
_OTHER_MACHINE = ("host key verification failed", "no matching host key type found")
_TOOLS = {"ssh": "openssh-client", "rclone": "rclone"}
"""Program that restic starts -> package of Debian."""
_LEFT = "unable to remove "
"""What restic says of each file that it could not delete; it may end with 0 all the same (`forget` of 0.18)."""
_GONE = re.compile(r"snapshots?/[0-9a-f]+>?:? (?:no such file or directory|does not exist)")
"""What restic says of a snapshot that is gone, where it does not look into the list of snapshots first (0.18)."""
_LOST_LOCK = re.compile(r"load\(<lock/[0-9a-f]+>.* returned error, retrying after .*(?:{})".format("|".join(_ABSENT)))
SOME_NOT_READ = 3
"""Exit code of restic where it has written a snapshot without some of the files."""


@dataclass(frozen=True, slots=True)
class ByteCount:
    """How far a backup or a restore is."""

    done: int
    """Bytes."""
    total: int
    """Bytes that are known of so far; 0 while none are."""

    @property
    def percent(self) -> float:
        """Of 100."""
        return min(100.0, 100 * self.done / self.total) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Written:
    """A snapshot that restic has written."""

    id: str
    bytes: int
    """Of the files in it."""
    added: int
    """Bytes that were not in the repository before."""


def said(line: str) -> ByteCount | Written | None:
    """Return what a line of `restic backup --json`, or of the launcher, says; None for what is of no use."""
    try:
        found = json.loads(line)
        match found.get("message_type"):
            case "status":
                return ByteCount(int(found.get("bytes_done", 0)), int(found.get("total_bytes", 0)))
            case "written":  # restic does not say how far a restore is, so the launcher does
                return ByteCount(int(found["bytes"]), 0)
            case "summary":
                return Written(found["snapshot_id"], found["total_bytes_processed"], found["data_added"])
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


@dataclass(frozen=True, slots=True)
class ResticSnapshot:
    """A snapshot in a repository."""

    id: str
    at: datetime
    tags: Mapping[str, str]
    """Those that are `name=value`."""
    host: str = ""
    """Name of the machine, which says what kind of snapshot it is (`repository.HOST` and `NOTES`)."""


def snapshots(text: str) -> tuple[ResticSnapshot, ...]:
    """Return what `restic snapshots --json` says, the newest first. Raises `ValueError` or `LookupError`."""
    found = [
        ResticSnapshot(each["id"], _time(each["time"]), dict(_tags(each.get("tags") or ())), each.get("hostname", ""))
        for each in json.loads(text) or ()
    ]
    return tuple(sorted(found, key=lambda each: each.at, reverse=True))


def passwords(text: str) -> tuple[RepositoryPassword, ...]:
    """Return what `restic key list --json` says, the oldest first. Raises `ValueError` or `LookupError`."""
    found = [
        RepositoryPassword(
            id=each["id"],
            label=each["userName"],
            created=_time(each["created"]).astimezone(),
            node=each["current"],
        )
        for each in json.loads(text)
    ]
    return tuple(sorted(found, key=lambda each: each.created))


def _time(text: str) -> datetime:
    # Nanoseconds, which Python 3.10 does not read.
    head, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    digits = rest[: len(rest) - len(zone)][:6].ljust(6, "0")
    return datetime.fromisoformat((f"{head}.{digits}{zone}" if rest else head).replace("Z", "+00:00"))


def _tags(tags: Iterable[Any]) -> Iterable[tuple[str, str]]:
    for tag in tags:
        name, equals, value = str(tag).partition("=")
        if equals:
            yield name, value


def only_vanished(errors: str) -> bool:
    """Return whether all that restic could not read were files that the app had deleted meanwhile."""
    lines = [line for line in errors.splitlines() if line.strip() and not line.startswith("Warning: ")]
    return bool(lines) and all(_VANISHED in line.lower() for line in lines)


def could_not_delete(errors: str) -> bool:
    """Return whether something that was to be deleted is still there."""
    return any(line.lower().startswith(_LEFT) for line in errors.splitlines())


def failure(code: int, errors: str, where: str) -> NodeError:
    """Return the error for the owner of a restic that has failed."""
    small = errors.lower()
    about = {"target": where}
    if (found := _not_started(code, small) or _not_let_in(small, where, about) or _not_ours(small, where)) is not None:
        return found
    if "unable to open config file" in small and any(sign in small for sign in _ABSENT):
        return _missing(where)
    if says_disk_full(errors):
        return NodeError(
            ErrorCode.DISK_FULL,
            msg("the target {where} is full", where=where),
            hint=msg("free some space there, or take a larger disk; backups that are there stay whole"),
            data=about,
        )
    if _NOT_WRITTEN in small:
        return NodeError(
            ErrorCode.DISK_FULL,
            msg("{where} cannot write any more", where=where),
            hint=msg("look whether the disk there is full, or a quota is used up; backups that are there stay whole"),
            data=about,
        )
    if "unable to create lock" in small or "already locked" in small or lost_lock(errors):
        return NodeError(
            ErrorCode.BUSY,
            msg("something else works on the repository at {where}", where=where),
            hint=msg("wait until it is done; a lock that nobody holds any more goes by itself after half an hour"),
            data=about,
        )
    if says_disk_broken(errors):
        hint = msg("look whether the disk is still there and can be written to; backups that are there stay whole")
        return NodeError(ErrorCode.INTERNAL, _quote(where, errors), hint=hint, data=about)
    if "no matching id found" in small or _GONE.search(small):
        return NodeError(
            ErrorCode.DATA_MISSING,
            msg("this backup is not at {where} any more", where=where),
            hint=msg("'archipelago backup list' shows those that are"),
            data=about,
        )
    if any(sign in small for sign in _DAMAGED):
        return NodeError(
            ErrorCode.INTERNAL,
            msg("the repository at {where} is damaged: {error}", where=where, error=_last(errors)),
            hint=msg("'archipelago backup check' says what is affected; add another target meanwhile"),
            data=about,
        )
    return NodeError(
        ErrorCode.INTERNAL,
        _quote(where, errors),
        hint=msg("look whether the target can be reached; the next attempt is made by itself"),
        data=about,
    )


def lost_lock(errors: str) -> bool:
    """Return whether restic waits for the lock of another one, which went after restic had listed the locks.

    It would wait for a quarter of an hour (0.14), before it has done anything.
    """
    return _LOST_LOCK.search(errors.lower()) is not None


def _not_started(code: int, small: str) -> NodeError | None:
    """Return the error where restic, or what it starts, is not installed."""
    for program, package in _TOOLS.items():
        if f'exec: "{program}": executable file not found' in small:
            return NodeError(
                ErrorCode.INTERNAL,
                msg("{program} is not installed", program=program),
                hint=msg("run: apt install {package}", package=package),
            )
    if code == 127 or "no such file or directory: 'restic'" in small or "restic: no such file" in small:
        return NodeError(
            ErrorCode.INTERNAL, msg("restic is not installed"), hint=msg("run 'make setup', or apt install restic")
        )
    return None


def _not_let_in(small: str, where: str, about: Mapping[str, object]) -> NodeError | None:
    """Return the error where keys or logins do not fit."""
    if any(sign in small for sign in _OTHER_MACHINE):
        return NodeError(
            ErrorCode.WRONG_CREDENTIALS,
            msg("the machine at {where} has another host key than the one you agreed to; it got nothing", where=where),
            hint=msg(
                "if you have set it up again, remove the target and add it again; otherwise something else answers "
                "in its place"
            ),
            data=about,
        )
    if "permission denied (" in small:
        return NodeError(
            ErrorCode.WRONG_CREDENTIALS,
            msg("{where} does not accept the key of this node", where=where),
            hint=msg("'archipelago backup ssh-key' shows the line that belongs into authorized_keys there"),
            data=about,
        )
    if "wrong password" in small or "no key found" in small:
        return NodeError(
            ErrorCode.WRONG_CREDENTIALS,
            msg("the repository at {where} does not open with the key of this node", where=where),
            hint=msg("if it is of a node before this one, bring its key back first: 'archipelago key restore'"),
            data=about,
        )
    # Whoever may write, but not delete, is let in.
    if any(sign in small for sign in NOT_ALLOWED) and ("403 forbidden" in small or "remove(" in small):
        return NodeError(ErrorCode.FORBIDDEN, msg("{where} only takes new backups", where=where), data=about)
    if any(sign in small for sign in (*_WRONG_LOGIN, *NOT_ALLOWED)):
        return NodeError(
            ErrorCode.WRONG_CREDENTIALS,
            msg("{where} does not accept the login", where=where),
            hint=msg("remove the target and add it again with the right one: what is stored there stays"),
            data=about,
        )
    return None


def _not_ours(small: str, where: str) -> NodeError | None:
    """Return the error where a folder of this machine belongs to another user."""
    # And not a file that is backed up.
    opens = any(
        sign in small for sign in ("unable to open config file", "unable to open repository", "create repository")
    )
    if not (where.startswith("/") and opens and "permission denied" in small):
        return None
    return NodeError(
        ErrorCode.FORBIDDEN,
        msg("the node's user may not use all of {where}", where=where),
        hint=msg(
            "give the folder to that user: sudo chown -R archipelago: '{where}'; on a disk of another machine it "
            "belongs to a user of that one",
            where=where,
        ),
        data={"target": where},
    )


def _missing(where: str) -> NodeError:
    return NodeError(
        ErrorCode.DATA_MISSING,
        msg("there is no repository at {where} any more", where=where),
        hint=msg("connect and mount the disk; nothing is written to a place where the repository is not"),
        data={"target": where},
    )


def _quote(where: str, errors: str) -> str:
    return msg("restic cannot work with {where}: {error}", where=where, error=_last(errors))


def _last(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("Fatal:")]
    # Where rclone has failed, restic only says that it got no answer.
    rclone = [line for line in lines if line.startswith("rclone: ") and ("Failed" in line or "ERROR" in line)]
    return (rclone[-1:] or fatal[-1:] or lines or ["it gave no reason"])[0][-300:]
