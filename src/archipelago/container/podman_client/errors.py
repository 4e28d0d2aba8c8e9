"""What can go wrong when Podman is asked for something, each kind a type of its own."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from archipelago.errors import ErrorCode, NodeError, says_disk_full


@dataclass(frozen=True, slots=True)
class PodmanCall:
    """What was asked of Podman: the verb, in our words, and the thing that it was about."""

    action: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.subject}".rstrip()


class PodmanError(Exception):
    """Podman could not do what it was asked; `cause` and `message` are its own words."""

    def __init__(self, call: PodmanCall, message: str, *, status: int | None = None, cause: str = "") -> None:
        super().__init__(f"{call}: {message}")
        self.call = call
        self.message = message
        self.status = status
        self.cause = cause or message


class PodmanUnavailable(PodmanError):
    """The service does not answer, or died while it was answering."""


class PodmanTimeout(PodmanUnavailable):
    """The service took longer than this call may take; the work may still be done."""


class NotFound(PodmanError):
    """No such container, network or image."""


class ImageMissing(NotFound):
    """The image that a container wants is not in the local store."""


class PodmanConflict(PodmanError):
    """The thing is in a state that forbids this: in use, running, stopped."""


class EndedMeanwhile(PodmanConflict):
    """The container ended by itself at the moment at which Podman killed it, so Podman gave up what came after."""


class AlreadyExists(PodmanConflict):
    """The name is taken."""


class PortTaken(PodmanConflict):
    """Another program on this host already listens on a port that is to be published."""

    def __init__(
        self,
        call: PodmanCall,
        message: str,
        *,
        status: int | None = None,
        cause: str = "",
        host_ip: str | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__(call, message, status=status, cause=cause)
        self.host_ip = host_ip
        self.port = port


class BadRequest(PodmanError):
    """Podman refused the request itself: a wrong value, an unknown option."""


class StorageFull(PodmanError):
    """There is no space left on the disk that Podman writes to."""


class PodmanFailure(PodmanError):
    """Podman or the runtime failed for a reason that has no type of its own."""


class PodmanPanic(PodmanFailure):
    """Podman's own program failed in this call, and went on: a panic of Go's runtime."""


class StorageDamaged(PodmanFailure):
    """Parts of an image or of a container are missing on the disk, as a power cut or a kill of Podman leaves them.

    `image` is the ID of the image, where Podman says it. Only to remove what is left of it, and to get it again, helps.
    """

    def __init__(
        self,
        call: PodmanCall,
        message: str,
        *,
        status: int | None = None,
        cause: str = "",
        image: str | None = None,
    ) -> None:
        super().__init__(call, message, status=status, cause=cause)
        self.image = image


class NameMismatch(PodmanError):
    """Podman took the name for a part of another one and answered for that one."""


class ReplyTooLarge(PodmanError):
    """The reply is larger than this call may hold in memory."""


_PORT = re.compile(r"listen (?:tcp|udp)[46]? (?P<ip>\S*?):(?P<port>\d+): bind: address already in use")
_PORT_ALONE = re.compile(r"(?P<ip>[0-9.]+|\[[0-9a-fA-F:]+\]):(?P<port>\d+)\b.*address already in use")
_TAKEN = ("already in use", "already exists", "already connected")
_DAMAGED = re.compile(
    r"layer not known|you may need to remove the image to resolve the error|consider removing the image to resolve"
    r"|recreating the missing symlinks|creating overlay mount to .*: no such file or directory$"
    r"|(?:stat|readlink|open|faccessat) .*/overlay/(?:l/\w+|[0-9a-f]{64}[/\w]*): no such file or directory$"
    r"|unexpected end of JSON input$|invalid character '\\x00' looking for",
    re.IGNORECASE | re.MULTILINE,
)
_DAMAGED_IMAGE = re.compile(r'image (?:with ID )?"(?P<id>[0-9a-f]{64})"')
_MISSING_IMAGE = ("no such image", "image not known")
_MISSING = (
    "no such container",
    "no such network",
    "network not found",
    "unable to find network",
    "no such exec session",
    "no such pod",
    "is not connected to",
    "no container with name or id",
)
_ENDED = re.compile(r"sending SIG\w+ to container .*: container state improper", re.IGNORECASE)
_CONFLICT = (
    "container state improper",
    "is running or paused",
    "is being used",
    "has associated containers",
    "in use by",
    "is in use",
    "already used",
    "invalid network mode",
)


def code_of(error: PodmanError | NodeError) -> ErrorCode:
    """Return the code by which clients know an error: a full disk is one, whoever met it."""
    if isinstance(error, NodeError):
        return error.code
    return ErrorCode.DISK_FULL if isinstance(error, StorageFull) else ErrorCode.PODMAN


def error_from_text(call: PodmanCall, text: str, *, status: int | None = None, cause: str = "") -> PodmanError:
    """Find the type of an error from Podman's words and HTTP status.

    Words come first: Podman answers 500 to a taken name, a full disk and a taken port alike.
    """
    text, cause = text.strip(), cause.strip()
    words = f"{text} {cause}".lower()
    if says_disk_full(words):
        return StorageFull(call, text, status=status, cause=cause)
    if "address already in use" in words:
        found = _PORT.search(text) or _PORT_ALONE.search(text)
        ip, port = (found["ip"].strip("[]"), int(found["port"])) if found else (None, None)
        return PortTaken(call, text, status=status, cause=cause, host_ip=ip, port=port)
    if _DAMAGED.search(text):
        image = _DAMAGED_IMAGE.search(text)
        return StorageDamaged(call, text, status=status, cause=cause, image=image["id"] if image else None)
    kind: type[PodmanError] = PodmanFailure
    if text.startswith("runtime error: "):
        kind = PodmanPanic
    elif any(sign in words for sign in _MISSING_IMAGE):
        kind = ImageMissing
    elif status == 404 or any(sign in words for sign in _MISSING):
        kind = NotFound
    elif any(sign in words for sign in _TAKEN):
        kind = AlreadyExists
    elif _ENDED.search(text):
        kind = EndedMeanwhile
    elif any(sign in words for sign in _CONFLICT) or status == 409:
        kind = PodmanConflict
    elif status is not None and 400 <= status < 500:
        kind = BadRequest
    return kind(call, text, status=status, cause=cause)


_STALE_MOUNT = re.compile(r"unlinkat (/[^\s:]+/overlay/[0-9a-f]{64}/merged): device or resource busy")


def stale_mount(text: str) -> str | None:
    """Return the root of a layer that Podman cannot remove while it is mounted; None where an error is another."""
    found = _STALE_MOUNT.search(text)
    return found[1] if found else None


def error_from_reply(call: PodmanCall, status: int, body: bytes) -> PodmanError:
    """Make an error of a reply that is not a success; its body is `{cause, message, response}` or plain text."""
    text = body.decode(errors="replace").strip()
    cause = ""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        text = str(parsed.get("message") or parsed.get("errorMessage") or text)
        cause = str(parsed.get("cause") or "")
    return error_from_text(call, text[:4000] or f"status {status} without a word", status=status, cause=cause[:1000])
