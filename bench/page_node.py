"""The node that the page is measured against: tiny apps of one image, and one that writes a log."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from daemon import PORT, Daemon
from graph import PROBED, SLEEP, manifest

from archipelago.container.images.recipe import REPOSITORY

ADDRESS = f"http://localhost:{PORT}"
USER = "owner"
PASSWORD = "a password for measuring"


class PageNode(Daemon):
    """A real daemon whose owner has a password."""

    def write_app(self, app: str, entrypoint: Iterable[str] = SLEEP) -> None:
        """Add an app to the catalog; the node must not have been started yet."""
        folder = self.catalog / app
        folder.mkdir()
        (folder / "manifest.yml").write_text(manifest(app, entrypoint, PROBED))

    async def revision(self) -> int:
        """Return the number of events until now."""
        return int((await self.call("system-info"))["revision"])


@asynccontextmanager
async def page_node(apps: Iterable[str], logger: Iterable[str]) -> AsyncIterator[PageNode]:
    """Run a node with a catalog of these apps and one named "logger"; in the end nothing of it is left."""
    node = PageNode("page", {})
    try:
        for app in apps:
            node.write_app(app)
        node.write_app("logger", logger)
        await node.start()
        try:
            await node.call("password-set", user=USER, password=PASSWORD)
            yield node
        finally:
            await node.stop()
    finally:
        _remove(node)


def _remove(node: PageNode) -> None:
    _podman("rm", "--all", "--force", "--time", "0")
    _podman("network", "prune", "--force")
    # The next run has a node of its own, which would build them again.
    ours = tuple(f"{REPOSITORY}/{path.name}-" for path in node.catalog.iterdir())
    names = _podman("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    _podman("image", "rm", "--force", *(name for name in names if name.startswith(ours)))
    _podman("image", "prune", "--force")
    shutil.rmtree(node.catalog)
    shutil.rmtree(node.root, ignore_errors=True)


def _podman(*arguments: str) -> list[str]:
    """Call Podman, come what may; return the lines that it prints."""
    return subprocess.run(["podman", *arguments], check=False, capture_output=True, text=True).stdout.splitlines()


class Pace:
    """Holds a loop to a number of things in a second, averaged over its whole life."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._began = time.monotonic()

    async def hold(self, done: int) -> None:
        """Wait until as many things may have been done."""
        await asyncio.sleep(max(0.0, self._began + done / self._per_second - time.monotonic()))
