"""Repositories of restic that open at once: the password is stretched by next to nothing.

restic stretches it by as much as takes half a second, for each of its commands. What it does with a repository once it
has the key is the same.
"""

import asyncio
import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from archipelago.backups.repository import Repository

_ROUNDS = 2
_NONCE = 16
_MEMORY = 512 << 20
"""Bytes that scrypt may take; restic chooses some tens of megabytes."""


@dataclass(frozen=True, slots=True)
class _PasswordKey:
    """Key that a password gives, with which the key of the repository is encrypted (restic's design, "Keys")."""

    cipher: bytes
    of_nonce: bytes
    of_message: bytes

    @classmethod
    def of(cls, password: str, about: dict[str, object]) -> Self:
        """Stretch a password as a key file says."""
        stretched = hashlib.scrypt(
            password.encode(),
            salt=base64.b64decode(str(about["salt"])),
            n=int(str(about["N"])),
            r=int(str(about["r"])),
            p=int(str(about["p"])),
            maxmem=_MEMORY,
            dklen=64,
        )
        return cls(stretched[:32], stretched[32:48], stretched[48:])

    def decrypted(self, data: bytes) -> bytes:
        """Return what was encrypted; raises where the password is another one."""
        nonce, message, code = data[:_NONCE], data[_NONCE:-16], data[-16:]
        Poly1305.verify_tag(self._key_of_code(nonce), message, code)
        return Cipher(algorithms.AES(self.cipher), modes.CTR(nonce)).decryptor().update(message)

    def encrypted(self, text: bytes) -> bytes:
        """Return nonce, message and code."""
        nonce = os.urandom(_NONCE)
        message = Cipher(algorithms.AES(self.cipher), modes.CTR(nonce)).encryptor().update(text)
        return nonce + message + Poly1305.generate_tag(self._key_of_code(nonce), message)

    def _key_of_code(self, nonce: bytes) -> bytes:
        block = Cipher(algorithms.AES(self.of_nonce), modes.ECB()).encryptor()  # Poly1305-AES
        return self.of_message + block.update(nonce)


def make_cheap(repository: Path, password: str) -> None:
    """Encrypt the key of a new repository again, with the same password."""
    (path,) = (repository / "keys").iterdir()
    about = json.loads(path.read_bytes())
    key = _PasswordKey.of(password, about).decrypted(base64.b64decode(about["data"]))
    about |= {"N": _ROUNDS, "r": 1, "p": 1}
    about["data"] = base64.b64encode(_PasswordKey.of(password, about).encrypted(key)).decode()
    content = json.dumps(about).encode()
    new = path.with_name(hashlib.sha256(content).hexdigest())
    new.write_bytes(content)
    new.chmod(path.stat().st_mode)
    path.unlink()


def make_new_ones_cheap() -> None:
    """Have the repositories cheap that this process makes in folders from now on."""
    real = Repository.create

    async def create(self: Repository) -> str:
        folder = self.access.folder
        is_new = folder is not None and not await asyncio.to_thread((folder / "config").exists)
        found = await real(self)
        if folder is not None and is_new:
            await asyncio.to_thread(make_cheap, folder, self.password)
        return found

    Repository.create = create  # type: ignore[method-assign]
