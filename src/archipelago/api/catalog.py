"""Apps that can be installed."""

from archipelago.container.dependency_resolver.rating import Rating
from archipelago.support.view import View


class ScreenshotView(View):
    """A picture of a running app, at `/screenshots/<app>/<name>?v=<version>`."""

    name: str
    version: str
    width: int
    height: int


class BundleView(View):
    """Apps that belong together, and are installed in one plan."""

    bundle: str
    name: str
    summary: str
    apps: tuple[str, ...]
    """The apps, the one that is used first."""
    problem: str | None = None
    """Why it cannot be used (its file is wrong)."""


class CatalogEntry(View):
    """An app that can be installed."""

    app: str
    name: str
    icon: str | None = None
    """Version of its icon, which is at `/icons/<app>?v=<version>`; null without one."""
    version: str
    summary: str
    description: str
    category: str
    license: str
    website: str | None = None
    architectures: tuple[str, ...]
    memory: int = 0
    """Least memory of the host, in bytes."""
    disk: int = 0
    """Bytes of disk that it is expected to take, and at least needs to be installed."""
    requires: tuple[str, ...]
    provides: tuple[str, ...]
    installed: str | None = None
    """Installed version."""
    update_to: str | None = None
    """Version of this entry, where it is newer than the installed one."""
    rating: Rating | None = None
    """How little it asks for."""
    screenshots: tuple[ScreenshotView, ...] = ()
    took: float | None = None
    """Seconds that its last installation took on this node; null where it never was."""
    problem: str | None = None
    """Why it cannot be used (its manifest is wrong)."""
