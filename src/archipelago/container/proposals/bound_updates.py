"""Which apps are updated together, since their versions do not go together one by one. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from packaging.version import Version

from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.manifest.package import AppPackage
from archipelago.support.texts.text import joined, msg


def with_bound_update(
    request: Request, refusal: ResolutionError, records: Records, offered: Mapping[str, AppPackage]
) -> Request | None:
    """Return a request that updates one more installed app, without which it was refused; None where none would help.

    Two apps that fit together in the versions that are installed, and in those of the catalog, but not in one of each,
    could never be updated one by one. Nor could an app be installed that needs another version of an installed one.
    """
    if not (request.update or request.install) or refusal.reason is not ResolutionCode.VERSION_MISMATCH:
        return None
    for part in ("consumer", "provider"):
        app = str(refusal.data[part])
        if app in request.update or app not in records or app not in offered:
            continue
        if _is_update(records[app].package, offered[app], older=not request.install):
            return replace(request, update=(*request.update, app), along=request.along | {app})
    return None


def without_help(first: ResolutionError, last: ResolutionError, along: frozenset[str]) -> ResolutionError:
    """Return why an app cannot be installed, where updates of these installed apps do not help either."""
    why = msg(
        "{first}; an update of {apps} does not help: {last}",
        first=first.message,
        apps=joined(sorted(along), ", "),
        last=last.message,
    )
    return ResolutionError(last.reason, why, last.hint, {**last.data, "reason": last.reason.value})


def _is_update(installed: AppPackage, offered: AppPackage, *, older: bool) -> bool:
    """Return whether the catalog has another package; an older version only where one was asked for."""
    if installed.package_digest() == offered.package_digest():
        return False
    return older or Version(offered.manifest.version) > Version(installed.manifest.version)
