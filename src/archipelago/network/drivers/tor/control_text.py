"""What is said to Tor's control port, and what it answers. Pure. https://spec.torproject.org/control-spec"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PROGRESS = re.compile(r"\bPROGRESS=(\d{1,3})\b")
_NAME = re.compile(r"[a-z2-7]{56}")
END = "QUIT"
"""After which Tor hangs up."""


class ControlError(Exception):
    """Tor refuses a command, or does not answer as it should; the text says why, and quotes no command."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command."""

    status: int
    lines: tuple[str, ...]
    """Without the status; those of a data part among them."""

    @property
    def good(self) -> bool:
        """Whether the command was carried out."""
        return 200 <= self.status < 300

    def value(self, key: str) -> tuple[str, ...]:
        """Return the lines of a value that GETINFO was asked for; none where there is none."""
        found, inside = [], False
        for line in self.lines:
            if inside or line.startswith(f"{key}="):
                found.append(line if inside else line.removeprefix(f"{key}="))
                inside = True
        return tuple(line for line in found if line)


@dataclass(frozen=True, slots=True)
class OnionCommand:
    """An onion service as ADD_ONION makes it."""

    key: str
    """Expanded secret key, in base64."""
    port: int
    socket: str
    """Path of the socket that it leads to, as Tor sees it."""
    client: str | None
    """Public key of those who may reach it, in base32; None for everybody."""

    def text(self, *, proof_of_work: bool) -> str:
        """Return the command. The service goes on when the connection to the control port ends (`Detach`)."""
        flags = "Detach,V3Auth" if self.client else "Detach"
        words = ["ADD_ONION", f"ED25519-V3:{self.key}", f"Flags={flags}"]
        words += ["PoWDefensesEnabled=1"] if proof_of_work else []
        words += [f"Port={self.port},unix:{self.socket}"]
        words += [f"ClientAuthV3={self.client}"] if self.client else []
        return " ".join(words)


def conversation(cookie: bytes, commands: Sequence[str]) -> str:
    """Return all that is said on one connection: the cookie proves who asks."""
    return "".join(f"{line}\r\n" for line in (f"AUTHENTICATE {cookie.hex()}", *commands, END))


def replies(text: str, count: int) -> tuple[Reply, ...]:
    """Return the answers to `count` commands, of all that Tor said; raises `ControlError`."""
    found = list(_read(text))
    if not found or not found[0].good:
        why = " ".join(found[0].lines) if found else "it says nothing"
        raise ControlError(f"it does not let the node in: {why}")
    if len(found) <= count:
        raise ControlError("it hung up before it had answered")
    return tuple(found[1 : count + 1])


def _read(text: str) -> Iterator[Reply]:
    """Yield each answer: lines `250-…`, `250+…` with data up to a single dot, and the last one, `250 …`."""
    lines: list[str] = []
    in_data = False
    for line in text.split("\r\n"):
        if in_data:
            in_data = line != "."
            if in_data:
                lines.append(line.removeprefix(".") if line.startswith("..") else line)
            continue
        status, mark, rest = line[:3], line[3:4], line[4:]
        if not status.isdecimal():
            continue
        lines.append(rest)
        in_data = mark == "+"
        if mark == " ":
            yield Reply(int(status), tuple(lines))
            lines = []


def progress_of(reply: Reply) -> int | None:
    """Return how far Tor has connected, in per cent, from `status/bootstrap-phase`."""
    found = _PROGRESS.search(" ".join(reply.lines))
    return min(100, int(found[1])) if found else None


def detached(reply: Reply) -> frozenset[str]:
    """Return the host names of the onion services that Tor has, from `onions/detached`."""
    names = (line.strip() for line in reply.value("onions/detached"))
    return frozenset(f"{name}.onion" for name in names if _NAME.fullmatch(name))


def circuits_of(reply: Reply, name: str) -> tuple[str, ...]:
    """Return the ids of circuits on which clients of an onion service are, from `circuit-status`."""
    service = name.removesuffix(".onion")
    return tuple(
        line.split(" ", 1)[0]
        for line in reply.value("circuit-status")
        if f"REND_QUERY={service}" in line.split() and line.split(" ", 1)[0].isdecimal()
    )
