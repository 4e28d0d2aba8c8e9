"""Signatures of images that this node built: by its own Ed25519 key, over name and content."""

import base64
import hashlib
import json
from pathlib import Path

from archipelago.security.keys.identity import Identity
from archipelago.support.private_files import (
    FileTooLongError,
    make_folder,
    read_key_file,
    reported,
    write_atomically,
)

_LARGEST = 4096


class BuiltImages:
    """Keeps one signature for each name, in a folder. Blocking; raises `NodeError`."""

    def __init__(self, folder: Path, key_file: Path) -> None:
        self._folder = folder
        self._key_file = key_file

    def sign(self, reference: str, image: str) -> None:
        """Take note that this node built the image (by its ID, a digest over its content) that has a name."""
        signature = Identity(self._key_file).sign(_statement(reference, image))
        text = json.dumps({"reference": reference, "image": image, "signature": base64.b64encode(signature).decode()})
        with reported(self._folder):
            make_folder(self._folder, 0o700)
            write_atomically(self._file(reference), text.encode())

    def is_signed(self, reference: str, image: str) -> bool:
        """Return whether this very image was built here for the name."""
        file = self._file(reference)
        with reported(file):
            try:
                text = read_key_file(file, _LARGEST)
            except (FileNotFoundError, FileTooLongError):
                return False
        try:
            signature = base64.b64decode(json.loads(text)["signature"], validate=True)
        except (ValueError, LookupError, TypeError):
            return False
        return Identity(self._key_file).is_signed(signature, _statement(reference, image))

    def forget(self, reference: str) -> None:
        """Remove the signature of a name that is gone."""
        with reported(self._folder):
            self._file(reference).unlink(missing_ok=True)

    def _file(self, reference: str) -> Path:
        return self._folder / f"{hashlib.sha256(reference.encode()).hexdigest()}.json"


def _statement(reference: str, image: str) -> bytes:
    # The first words keep a signature of something else that this key makes from being taken for one of these.
    return json.dumps(["archipelago built image", reference, image]).encode()
