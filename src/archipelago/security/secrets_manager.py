"""Secrets at rest: one age file each (age-encryption.org/v1), under the key of this node."""

import base64
import json
import os
import secrets
import stat
from pathlib import Path

import pyrage

from archipelago.container.manifest.model import SecretKind
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secret import Secret


class SecretsManager:
    """Makes, keeps and forgets secrets. Blocking: call it off the event loop.

    `root/{app}/{name}.age` holds each one; the owner can read it with `age -d -i node.key`.
    """

    def __init__(self, root: Path, key_file: Path) -> None:
        self._root = root
        self._key_file = key_file
        self._loaded: pyrage.x25519.Identity | None = None
        self._cache: dict[Path, Secret] = {}

    def ensure(self, app: str, name: str, kind: SecretKind, size: int) -> Secret:
        """Return a secret of an app, made from `size` random bytes the first time."""
        path = self._root / app / f"{name}.age"
        if path not in self._cache:
            if not path.exists():
                self._write(path, _make(kind, size))
            self._cache[path] = self._read(path)
        return self._cache[path]

    def ensure_edge(self, provider: str, consumer: str, interface: str) -> Secret:
        """Return the password with which one consumer uses one interface of a provider."""
        return self.ensure(provider, f"edge.{interface}.{consumer}", SecretKind.HEX, 32)

    def remove_app(self, app: str) -> None:
        """Forget all secrets of an app."""
        folder = self._root / app
        self._cache = {path: secret for path, secret in self._cache.items() if path.parent != folder}
        if folder.is_dir():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    def _write(self, path: Path, value: str) -> None:
        payload = json.dumps({"value": value, "fingerprint": secrets.token_hex(8)}).encode()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_atomically(path, pyrage.encrypt(payload, [self._identity().to_public()]))

    def _read(self, path: Path) -> Secret:
        try:
            payload = json.loads(pyrage.decrypt(path.read_bytes(), [self._identity()]))
            return Secret(payload["value"], payload["fingerprint"])
        except (pyrage.DecryptError, ValueError, KeyError, OSError) as error:
            raise NodeError(
                ErrorCode.INTERNAL,
                f"the secret {path} cannot be read with the node's key",
                hint=f"restore {self._key_file} and the secrets folder from the same backup",
            ) from error

    def _identity(self) -> pyrage.x25519.Identity:
        if self._loaded is None:
            if not self._key_file.exists():
                if any(self._root.glob("*/*.age")):
                    raise NodeError(
                        ErrorCode.INTERNAL,
                        f"{self._key_file} is missing, but there are secrets that it opens",
                        hint="restore the key file from a backup",
                    )
                self._key_file.parent.mkdir(parents=True, exist_ok=True)
                _write_atomically(self._key_file, f"{pyrage.x25519.Identity.generate()}\n".encode())
            if stat.S_IMODE(self._key_file.stat().st_mode) & 0o077:
                raise NodeError(
                    ErrorCode.INTERNAL,
                    f"{self._key_file} can be read by others than its owner",
                    hint=f"chmod 0600 {self._key_file}",
                )
            self._loaded = pyrage.x25519.Identity.from_str(self._key_file.read_text().strip())
        return self._loaded


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


def _write_atomically(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
