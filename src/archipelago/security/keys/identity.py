"""The node's Ed25519 key (RFC 8032), by which what it signs is known as its own."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.keys.key_files import load_private, private_pem, public_pem
from archipelago.support.private_files import make_folder, read_key_file, reported, write_atomically
from archipelago.support.texts.text import msg

_MAX_BYTES = 4096
_NOTE = b"Audit-Log:"


class Identity:
    """Signs with the node's key, a PEM file (PKCS #8) that is made when it is not there. Blocking.

    Above the key a line may note how far the audit log had come (RFC 7468, 2 allows text there): whoever would put an
    older note in its place has to know the key.
    """

    def __init__(self, key_file: Path) -> None:
        with reported(key_file):
            if not key_file.is_symlink() and not key_file.exists():
                make_folder(key_file.parent, 0o755)
                write_atomically(key_file, private_pem(Ed25519PrivateKey.generate()).encode())
            text = read_key_file(key_file, _MAX_BYTES)
        key = load_private(text)
        if key is None:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("{key_file} does not hold an Ed25519 key", key_file=key_file),
                hint=msg("restore the key file from a backup"),
            )
        self._key = key
        self._key_file = key_file
        first = text.partition(b"\n")[0]
        self.note = first[len(_NOTE) :].decode("ascii", "replace").strip() if first.startswith(_NOTE) else ""
        """What is noted above the key; empty where an older version wrote it."""

    def keep_note(self, note: str) -> None:
        """Note something above the key. Raises `NodeError`, and leaves the file as it was then."""
        if note != self.note:
            with reported(self._key_file):
                write_atomically(self._key_file, _NOTE + f" {note}\n".encode() + private_pem(self._key).encode())
            self.note = note

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""
        return self._key.sign(message)

    def is_signed(self, signature: bytes, message: bytes) -> bool:
        """Return whether a signature of a message is this node's."""
        try:
            self._key.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def public_key(self) -> str:
        """The public key, as PEM: whoever has it can check what this node signed."""
        return public_pem(self._key)
