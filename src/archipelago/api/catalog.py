"""Apps that can be installed."""

from archipelago.container.dependency_resolver.rating import Rating
from archipelago.support.view import View


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
    problem: str | None = None
    """Why it cannot be used (its manifest is wrong)."""
