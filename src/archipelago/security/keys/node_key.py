"""The key under which the node's secrets lie: an age identity (age-encryption.org/v1), in one of two ways.

*Plain*, a file of mode 0600: the node boots by itself, and who steals the disk reads the secrets. *Wrapped* by the
owner's passphrase (argon2id, RFC 9106; ChaCha20-Poly1305, RFC 8439): a stolen disk reveals nothing, and after each
start the owner must unlock the node. Either way 24 words (BIP 39) hold the same 32 bytes and bring the key back.
"""

import base64
import contextlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import bech32
import pyrage
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.typed_secret import forms, prepared
from archipelago.storage.layout import wrapped_key
from archipelago.support.private_files import make_folder, read_key_file, reported, sync_folder, write_atomically
from archipelago.support.texts.text import msg

SHORTEST_PASSPHRASE = 12
_HRP = "age-secret-key-"
"""What an age identity starts with, as a bech32 text (BIP 173)."""
_BYTES = 32
_WORDS = 24
_MAX_FILE = 4096
_MOST_TIME, _MOST_MEMORY, _MOST_THREADS = 64, 4 * 1024 * 1024, 64


class KeyState(StrEnum):
    """How the key is there."""

    PLAIN = "plain"
    """In a file that the node reads by itself."""
    LOCKED = "locked"
    """Wrapped, and not unlocked since the start."""
    UNLOCKED = "unlocked"
    """Wrapped, and in memory until the node ends."""
    MISSING = "missing"
    """There are secrets, but no key that opens them."""


@dataclass(frozen=True, slots=True)
class WrapCost:
    """What it costs to try one passphrase: passes, memory in KiB, threads."""

    time: int = 4
    memory: int = 256 * 1024
    threads: int = 4


class NodeKey:
    """Holds the key. Blocking: call it off the event loop, from any thread. Every failure is a `NodeError`.

    `opens` says whether an identity opens what is kept under the key; None where nothing is kept yet.
    """

    def __init__(
        self, file: Path, opens: Callable[[pyrage.x25519.Identity], bool | None], cost: WrapCost = WrapCost()
    ) -> None:
        self._file = file
        self._wrapped = wrapped_key(file)
        self._opens = opens
        self._cost = cost
        self._identity: pyrage.x25519.Identity | None = None
        # Two first calls at once would make two keys, and lose what was encrypted under the one that is overwritten.
        self._lock = threading.RLock()

    @property
    def file(self) -> Path:
        """Where the plain key is, or would be."""
        return self._file

    def state(self) -> KeyState:
        """Return how the key is there. A plain file counts before a wrapped one: a crash may have left both."""
        with reported(self._file):
            if self._file.is_symlink() or self._file.exists():
                return KeyState.PLAIN
            if self._wrapped.exists():
                return KeyState.LOCKED if self._identity is None else KeyState.UNLOCKED
            if self._opens(pyrage.x25519.Identity.generate()) is None:
                return KeyState.PLAIN  # it will be made when it is first needed
        return KeyState.MISSING

    def identity(self) -> pyrage.x25519.Identity:
        """Return the key, made the first time."""
        with self._lock:
            if self._identity is None:
                self._identity = self._find()
            return self._identity

    def derive(self, purpose: str) -> str:
        """Return 256 bits for one purpose in hexadecimal, which do not reveal the key (HKDF-Expand, RFC 5869)."""
        return hmac.digest(_to_bytes(self.identity()), purpose.encode() + b"\x01", "sha256").hex()

    def unlock(self, passphrase: str) -> None:
        """Have the key in memory."""
        if self.state() is KeyState.PLAIN:
            return
        # Without the lock: the owner's passphrase must not wait until those of unknown clients are hashed.
        identity = self._unwrap(passphrase)
        with self._lock:
            if self.state() is not KeyState.PLAIN:
                self._identity = identity

    def protect(self, passphrase: str, current: str | None) -> None:
        """Wrap the key by a passphrase; where it is wrapped already, the current one must be given."""
        passphrase = prepared(passphrase)
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("a passphrase has at least {shortest} characters", shortest=SHORTEST_PASSPHRASE),
                hint=msg("take some words that nobody would guess together"),
            )
        with self._lock:
            identity = self.identity()
            self._require(current)
            with reported(self._wrapped):
                write_atomically(self._wrapped, _wrap(identity, passphrase, self._cost))
                if str(self._unwrap(passphrase)) != str(identity):
                    raise NodeError(
                        ErrorCode.INTERNAL, msg("{file} was not written as it should be", file=self._wrapped)
                    )
                # From here on the wrapped one counts.
                self._file.unlink(missing_ok=True)
                sync_folder(self._file.parent)

    def unprotect(self, current: str) -> None:
        """Keep the key in a plain file, so that the node boots by itself."""
        with self._lock:
            if self.state() is KeyState.PLAIN:
                return
            identity = self._unwrap(current)
            with reported(self._file):
                write_atomically(self._file, f"{identity}\n".encode())
                self._wrapped.unlink(missing_ok=True)
                sync_folder(self._file.parent)
            self._identity = identity

    def phrase(self, current: str | None) -> str:
        """Return the 24 words; where the key is wrapped, its passphrase must be given."""
        from mnemonic import Mnemonic

        with self._lock:
            identity = self.identity()
            self._require(current)
            return str(Mnemonic("english").to_mnemonic(_to_bytes(identity)))

    def restore(self, words: str, *, replace_unused: bool = False) -> None:
        """Bring the key back from its words, as a plain file; only where there is none.

        Or in the place of one under which nothing is kept yet, as on a machine that takes over from another one.
        """
        identity = _from_words(words)
        with self._lock:
            unused = replace_unused and self._opens(identity) is None
            if self._wrapped.exists() or (self._file.exists() and not unused):
                raise _has_a_key(replace_unused=replace_unused and not self._wrapped.exists())
            if self._opens(identity) is False:
                raise NodeError(
                    ErrorCode.WRONG_CREDENTIALS,
                    msg("these words do not open the secrets of this node"),
                    hint=msg("look whether they are those of this node, and not of another one"),
                )
            self._write(identity)
            self._identity = identity

    def _find(self) -> pyrage.x25519.Identity:
        state = self.state()
        if state is KeyState.LOCKED:
            raise NodeError(
                ErrorCode.LOCKED, msg("the node is locked"), hint=msg("unlock it with 'archipelago key unlock'")
            )
        if state is KeyState.MISSING:
            raise NodeError(
                ErrorCode.LOCKED,
                msg("{file} is missing, but there are secrets that it opens", file=self._file),
                hint=msg("restore the file from a backup, or the key from its 24 words with 'archipelago key restore'"),
            )
        with reported(self._file):
            if not self._file.is_symlink() and not self._file.exists():
                self._write(pyrage.x25519.Identity.generate())
            text = read_key_file(self._file, _MAX_FILE)
        try:
            return pyrage.x25519.Identity.from_str(text.decode().strip())
        except (pyrage.IdentityError, ValueError):
            pass
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{file} does not hold an age key", file=self._file),
            hint=msg("restore the key file from a backup"),
        )

    def _require(self, current: str | None) -> None:
        if self.state() is KeyState.UNLOCKED:
            self._unwrap(current or "")

    def _unwrap(self, passphrase: str) -> pyrage.x25519.Identity:
        with reported(self._wrapped):
            text = read_key_file(self._wrapped, _MAX_FILE)
        return _unwrapped(text, passphrase, self._wrapped)

    def _write(self, identity: pyrage.x25519.Identity) -> None:
        make_folder(self._file.parent, 0o755)
        write_atomically(self._file, f"{identity}\n".encode())


def _wrap(identity: pyrage.x25519.Identity, passphrase: str, cost: WrapCost) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    head = {"version": 1, "kdf": "argon2id", "time": cost.time, "memory": cost.memory, "threads": cost.threads}
    head |= {"salt": base64.b64encode(salt).decode(), "cipher": "chacha20-poly1305"}
    sealed = ChaCha20Poly1305(_derive(passphrase, salt, cost)).encrypt(nonce, str(identity).encode(), _bound(head))
    found = {**head, "nonce": base64.b64encode(nonce).decode(), "sealed": base64.b64encode(sealed).decode()}
    return json.dumps(found, indent=2).encode() + b"\n"


def _unwrapped(text: bytes, passphrase: str, file: Path) -> pyrage.x25519.Identity:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        found = json.loads(text)
        nonce, sealed = base64.b64decode(found.pop("nonce")), base64.b64decode(found.pop("sealed"))
        cost = WrapCost(int(found["time"]), int(found["memory"]), int(found["threads"]))
        fits = found["version"] == 1 and found["kdf"] == "argon2id" and found["cipher"] == "chacha20-poly1305"
        # What an unknown client wrote there must not take all memory, or for ever.
        bounded = cost.time <= _MOST_TIME and cost.memory <= _MOST_MEMORY and cost.threads <= _MOST_THREADS
        if not fits or not bounded:
            raise ValueError
        salt, bound = base64.b64decode(found["salt"]), _bound(found)
        ciphers = [ChaCha20Poly1305(_derive(form, salt, cost)) for form in forms(passphrase)]
    except Exception:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("{file} is damaged", file=file),
            hint=msg("restore it from a backup, or the key from its 24 words"),
        ) from None
    for cipher in ciphers:
        with contextlib.suppress(InvalidTag, ValueError, pyrage.IdentityError):
            return pyrage.x25519.Identity.from_str(cipher.decrypt(nonce, sealed, bound).decode())
    raise NodeError(
        ErrorCode.WRONG_CREDENTIALS,
        msg("the passphrase is wrong"),
        hint=msg("the 24 words bring the key back when it is forgotten; nothing else does"),
    )


def _derive(passphrase: str, salt: bytes, cost: WrapCost) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, cost.time, cost.memory, cost.threads, hash_len=_BYTES, type=Type.ID
    )


def _bound(head: dict[str, object]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()


def _to_bytes(identity: pyrage.x25519.Identity) -> bytes:
    _, data = bech32.bech32_decode(str(identity).lower())
    return bytes(bech32.convertbits(data or (), 5, 8, False) or ())


def _has_a_key(*, replace_unused: bool) -> NodeError:
    """Return the refusal of words; `replace_unused`: they would do if nothing was kept under the key. Pure."""
    if not replace_unused:
        hint = msg("the words bring a key back where there is none")
        return NodeError(ErrorCode.FORBIDDEN, msg("this node has a key"), hint=hint)
    return NodeError(
        ErrorCode.FORBIDDEN,
        msg("this node has a key, and there are secrets of apps that it opens"),
        hint=msg(
            "the words are for a node without apps: 'archipelago remove APP --delete-data' for each app here, then "
            "'archipelago data list' and 'archipelago data delete' for what was kept of it"
        ),
    )


def _from_words(words: str) -> pyrage.x25519.Identity:
    from mnemonic import Mnemonic

    found = words.lower().split()
    if len(found) != _WORDS:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("a recovery phrase has {expected} words, not {count}", expected=_WORDS, count=len(found)),
        )
    known = Mnemonic("english")
    for number, word in enumerate(found, 1):
        if word not in known.wordlist:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("word {number} is none of the BIP 39 words", number=number),
                hint=msg("look how you wrote it down; the first four letters of a word tell it from all others"),
            )
    if not known.check(" ".join(found)):
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("these words do not belong together"),
            hint=msg("two of them may have changed places, or one was mistaken for another"),
        )
    data = bech32.convertbits(bytes(known.to_entropy(found)), 8, 5, True) or []
    return pyrage.x25519.Identity.from_str(bech32.bech32_encode(_HRP, data).upper())
