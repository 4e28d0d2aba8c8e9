"""Keeps the bill of materials of each container's image, and that of the image before it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.sbom.databases import Difference, Package, compare
from archipelago.security.sbom.document import document, packages_of
from archipelago.storage.layout import app_folder
from archipelago.support.private_files import make_folder, reported, write_atomically
from archipelago.support.texts.text import msg


class SbomStore:
    """Files `apps/{app}/sbom/{container}.json`, and `{container}.before.json` of the image until the last update."""

    def __init__(self, apps: Path) -> None:
        self._apps = apps

    async def keep(
        self,
        app: str,
        container: str,
        image: str,
        digest: str,
        packages: tuple[Package, ...],
        *,
        complete: bool = True,
    ) -> Difference | None:
        """Keep what is in an image; return what is different from the image before, None where it is the first.

        Raises `NodeError`.
        """

        def work() -> Difference | None:
            text, path, before = document(image, digest, packages, complete=complete), self._path(app, container), None
            with reported(path):
                make_folder(path.parent, 0o700)
                if path.exists():
                    before = path.read_text(encoding="utf-8")
                if before is not None and before != text:
                    write_atomically(path.with_suffix(".before.json"), before.encode())
                if before != text:
                    write_atomically(path, text.encode())
            return compare(packages_of(before), packages) if before is not None else None

        return await asyncio.to_thread(work)

    async def document(self, app: str, container: str) -> dict[str, Any]:
        """Return the document of a container's image. Raises `NodeError`."""

        def work() -> dict[str, Any]:
            path = self._path(app, container)
            if not path.exists():
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("there is no bill of materials of {app}, container {container}", app=app, container=container),
                    hint=msg("it is made when the image is fetched: at the next update"),
                )
            with reported(path):
                found: dict[str, Any] = json.loads(path.read_bytes())
            return found

        return await asyncio.to_thread(work)

    async def difference(self, app: str, container: str) -> Difference:
        """Return what the last update changed; nothing where there was none."""

        def work() -> Difference:
            path = self._path(app, container)
            before = path.with_suffix(".before.json")
            with reported(path):
                if not path.exists() or not before.exists():
                    return Difference()
                old, new = before.read_text(encoding="utf-8"), path.read_text(encoding="utf-8")
            return compare(packages_of(old), packages_of(new))

        return await asyncio.to_thread(work)

    def has(self, app: str, container: str) -> bool:
        """Return whether there is a document. Blocking."""
        return self._path(app, container).exists()

    async def forget(self, app: str) -> None:
        """Remove the documents of an app."""

        def work() -> None:
            folder = app_folder(self._apps, app).sbom
            with reported(folder):
                for path in folder.glob("*.json"):
                    path.unlink(missing_ok=True)
                if folder.is_dir():
                    folder.rmdir()

        await asyncio.to_thread(work)

    def _path(self, app: str, container: str) -> Path:
        return app_folder(self._apps, app).bill(container)
