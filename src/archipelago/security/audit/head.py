"""The head of the audit log on disk: signed, in one of two places by turns, so that a crash spoils one at the most.

It is written where it is, without a new file: it takes no room that a full disk does not have.
"""

import base64
import os
from pathlib import Path

from pydantic import ValidationError

from archipelago.security.audit.chain import Head, IsSigned, Sign, read_signature
from archipelago.support.private_files import write_atomically

_PLACE = 512
"""Bytes of each place: a sector, which a disk writes whole."""


class SignedHead(Head):
    """A head, and the node's signature of it (Ed25519, base64)."""

    signature: str


def read_head(path: Path, is_signed: IsSigned) -> tuple[Head | None, Head | None]:
    """Return the newest head that this node signed, and one without signature, as older versions wrote it."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            places = [file.read(_PLACE).strip(b"\0 \n") for _ in range(2)]
    except FileNotFoundError:
        return None, None
    signed: Head | None = None
    plain: Head | None = None
    for place in places:
        try:
            found = SignedHead.model_validate_json(place)
        except ValidationError:
            plain = plain or _plain(place)
            continue
        is_newer = signed is None or found.sequence > signed.sequence
        if is_newer and is_signed(read_signature(found.signature), found.message):
            signed = Head(sequence=found.sequence, hash=found.hash)
    return signed, plain


def write_head(path: Path, head: Head, sign: Sign) -> None:
    """Write a head and have it on the disk. Raises `OSError`."""
    line = _line(head, sign)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.pwrite(descriptor, line, head.sequence % 2 * _PLACE)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def make_head(path: Path, head: Head, sign: Sign) -> None:
    """Write a new file with a head in both places. Raises `OSError`."""
    write_atomically(path, _line(head, sign) * 2)


def _line(head: Head, sign: Sign) -> bytes:
    signature = base64.b64encode(sign(head.message)).decode()
    text = SignedHead(sequence=head.sequence, hash=head.hash, signature=signature).model_dump_json()
    return text.encode().ljust(_PLACE - 1) + b"\n"


def _plain(line: bytes) -> Head | None:
    try:
        return Head.model_validate_json(line)
    except ValidationError:
        return None
