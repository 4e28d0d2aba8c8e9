"""Which apps are updated together, since the versions of each bind those of the other. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.manifest.package import AppPackage


def with_bound_update(
    request: Request, refusal: ResolutionError, records: Records, offered: Mapping[str, AppPackage]
) -> Request | None:
    """Return a request that updates one more installed app, without which it was refused; None where none would help.

    Two apps that fit together in the versions that are installed, and in those of the catalog, but not in one of each,
    could never be updated one by one.
    """
    if not request.update or refusal.reason is not ResolutionCode.VERSION_MISMATCH:
        return None
    for part in ("consumer", "provider"):
        app = str(refusal.data[part])
        if app in request.update or app not in records or app not in offered:
            continue
        if offered[app].package_digest() != records[app].package.package_digest():
            return replace(request, update=(*request.update, app))
    return None
