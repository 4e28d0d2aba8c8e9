"""The packages of installed apps, each parsed once for as long as its row stays the same."""

import hashlib
from collections.abc import Mapping

from archipelago.container.manifest.package import AppPackage
from archipelago.storage.records.packages import read_package


class StoredPackages:
    """Reads packages, and returns the same object for the same text: to parse a manifest takes milliseconds.

    For the thread of the database alone.
    """

    def __init__(self) -> None:
        self._read: dict[str, tuple[bytes, AppPackage]] = {}
        """By app: SHA-256 of the text, and the package."""

    def read(self, texts: Mapping[str, str]) -> dict[str, AppPackage]:
        """Return the packages of all installed apps, given the text of each; the others are forgotten."""
        self._read = {app: self._one(app, text) for app, text in texts.items()}
        return {app: package for app, (_, package) in self._read.items()}

    def _one(self, app: str, text: str) -> tuple[bytes, AppPackage]:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        known = self._read.get(app)
        return known if known is not None and known[0] == digest else (digest, read_package(text, app))
