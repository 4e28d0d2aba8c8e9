"""Secrets at rest: one age file each (age-encryption.org/v1), under the key of this node."""

import base64
import json
import os
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archipelago.container.manifest.model.settings import SecretKind
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.keys.key_files import private_pem
from archipelago.security.keys.node_key import NodeKey
from archipelago.security.secrets.aezeed import ENTROPY_BYTES, SALT_BYTES, seed_words
from archipelago.security.secrets.redactor import Redactor
from archipelago.security.secrets.secret import Secret
from archipelago.security.secrets.secret_names import login_name, logins_pattern
from archipelago.storage.layout import app_folder, secret_pattern
from archipelago.support.private_files import make_folder, reported, write_atomically
from archipelago.support.texts.text import msg

EDGE_KIND, EDGE_BYTES = SecretKind.HEX, 32
"""How the login of a consumer is made."""


class Sealer(Protocol):
    """Keeps something readable for this node alone. Blocking."""

    def seal(self, text: str) -> bytes:
        """Encrypt a text for this node."""
        ...

    def unseal(self, sealed: bytes) -> str:
        """Decrypt what `seal` returned."""
        ...


class SecretsManager:
    """Makes, keeps and forgets secrets. Blocking: call it off the event loop, from any thread.

    `apps/{app}/secrets/{name}.age` holds each one; the owner can read it with `age -d -i node.key`. Every failure is a
    `NodeError`, and changes nothing.
    """

    def __init__(self, apps: Path, key_file: Path) -> None:
        self._apps = apps
        self.key = NodeKey(key_file, self._opens)
        self._cache: dict[Path, Secret] = {}
        self.redactor = Redactor()
        """Knows every secret that this node has used since its start."""
        self._lock = threading.RLock()

    def beside(self, apps: Path) -> "SecretsManager":
        """Return the secrets below another folder, under the same key."""
        found = SecretsManager(apps, self.key.file)
        found.key, found.redactor = self.key, self.redactor
        return found

    def ensure(self, app: str, name: str, kind: SecretKind, size: int) -> Secret:
        """Return a secret of an app, made from `size` random bytes the first time."""
        path = self._path(app, name)
        with self._lock, reported(path):
            if path not in self._cache:
                if not path.exists():
                    self._write(path, _make(kind, size))
                self._cache[path] = self._read(path)
            return self._cache[path]

    def ensure_edge(self, provider: str, consumer: str, interface: str) -> Secret:
        """Return the password with which one consumer uses one interface of a provider."""
        return self.ensure(provider, login_name(interface, consumer), EDGE_KIND, EDGE_BYTES)

    def get(self, app: str, name: str) -> Secret | None:
        """Return a secret of an app, or None where it has none of that name."""
        path = self._path(app, name)
        with self._lock, reported(path):
            if path not in self._cache and path.exists():
                self._cache[path] = self._read(path)
            return self._cache.get(path)

    def seal(self, text: str) -> bytes:
        """Return a text as an age file under the node's key."""
        with self._lock:
            return bytes(pyrage.encrypt(text.encode(), [self.key.identity().to_public()]))

    def unseal(self, sealed: bytes) -> str:
        """Return what was sealed; raises `NodeError` where the node has another key."""
        with self._lock:
            identity = self.key.identity()
        try:
            return bytes(pyrage.decrypt(sealed, [identity])).decode()
        except pyrage.DecryptError:
            pass
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("what was sealed cannot be read with the node's key"),
            hint=msg("restore {file} and the database from the same backup", file=self.key.file),
        )

    def replace(self, app: str, name: str, value: str) -> None:
        """Give a secret another value."""
        path = self._path(app, name)
        with self._lock, reported(path):
            self._write(path, value)
            self._cache.pop(path, None)

    def renew(self, app: str, name: str, kind: SecretKind, size: int) -> None:
        """Replace a secret."""
        self.replace(app, name, _make(kind, size))

    def confirm(self, app: str, name: str) -> None:
        """Note with a secret that its owner has it on paper; its value, its fingerprint and its date stay."""
        path = self._path(app, name)
        with self._lock, reported(path):
            made = path.stat()
            self._store(path, {**self._payload(path), "confirmed": _now()})
            os.utime(path, ns=(made.st_atime_ns, made.st_mtime_ns))
            self._cache.pop(path, None)

    def list(self, app: str) -> tuple[str, ...]:
        """Return the names of an app's secrets, those of its consumers (`edge.<interface>.<consumer>`) among them."""
        return tuple(sorted(path.stem for path in self._apps.glob(secret_pattern(app))))

    def created_at(self, app: str, name: str) -> datetime:
        """Return when a secret got its value."""
        path = self._path(app, name)
        with reported(path):
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def read_again(self, app: str) -> None:
        """Have the secrets of an app read from the disk again, where others were put."""
        folder = app_folder(self._apps, app).secrets
        with self._lock:
            for path in [path for path in self._cache if path.parent == folder]:
                del self._cache[path]

    def remove_app(self, app: str) -> None:
        """Forget all secrets of an app, and those by which it used others."""
        folder = app_folder(self._apps, app).secrets
        with self._lock, reported(folder):
            for path in (*self._apps.glob(secret_pattern(file=logins_pattern(app))), *folder.glob("*")):
                self._cache.pop(path, None)
                path.unlink(missing_ok=True)
            # The folder may have been moved away: what is in memory would come back without a file.
            for path in [path for path in self._cache if path.parent == folder]:
                del self._cache[path]
            if folder.is_dir():
                folder.rmdir()

    def _path(self, app: str, name: str) -> Path:
        return app_folder(self._apps, app).secret(name)

    def _write(self, path: Path, value: str) -> None:
        payload = {
            "value": value,
            "fingerprint": secrets.token_hex(8),
            "created": _now(),
        }
        self._store(path, payload)

    def _store(self, path: Path, payload: Mapping[str, object]) -> None:
        sealed = pyrage.encrypt(json.dumps(payload).encode(), [self.key.identity().to_public()])
        with reported(path):
            make_folder(path.parent, 0o700)
            write_atomically(path, sealed)

    def _read(self, path: Path) -> Secret:
        payload = self._payload(path)
        self.redactor.learn(payload["value"])
        return Secret(payload["value"], payload["fingerprint"], confirmed=bool(payload.get("confirmed")))

    def _payload(self, path: Path) -> dict[str, Any]:
        """Return what a file holds, `value` and `fingerprint` among it, which are texts."""
        identity = self.key.identity()
        with reported(path):
            sealed = path.read_bytes()
        try:
            payload: dict[str, Any] = json.loads(pyrage.decrypt(sealed, [identity]))
            if isinstance(payload["value"], str) and isinstance(payload["fingerprint"], str):
                return payload
        except (pyrage.DecryptError, ValueError, KeyError, TypeError):
            pass
        # Outside of `except`: the cause could quote what was decrypted.
        raise NodeError(
            ErrorCode.INTERNAL,
            msg("the secret {path} cannot be read with the node's key", path=path),
            hint=msg("restore {file} and the secrets folder from the same backup", file=self.key.file),
        )

    def _opens(self, identity: pyrage.x25519.Identity) -> bool | None:
        """Return whether an identity opens a secret that is kept; None where there is none."""
        kept = next(self._apps.glob(secret_pattern()), None)
        if kept is None:
            return None
        try:
            pyrage.decrypt(kept.read_bytes(), [identity])
        except (OSError, pyrage.DecryptError):
            return False
        return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _make(kind: SecretKind, size: int) -> str:
    random = secrets.token_bytes(size)
    match kind:
        case SecretKind.HEX:
            return random.hex()
        case SecretKind.TOKEN:
            return base64.urlsafe_b64encode(random).decode().rstrip("=")
        case SecretKind.PASSWORD:
            # Base32 without digits that look like letters, in lower case: easy to type from a screen.
            return base64.b32encode(random).decode().rstrip("=").lower()
        case SecretKind.KEYPAIR:
            return private_pem(Ed25519PrivateKey.generate())
        case SecretKind.AEZEED:
            return seed_words(secrets.token_bytes(ENTROPY_BYTES), secrets.token_bytes(SALT_BYTES), datetime.now(UTC))
