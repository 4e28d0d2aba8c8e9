"""Where apps come from: what each source of them has to offer, and several sources as one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from archipelago.container.manifest.bundle import Bundle
from archipelago.container.manifest.package import AppPackage
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.near_names import near_names
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an app of a catalog comes from."""

    source: str
    """Kind of source, such as `local`."""
    place: str
    """Place within it, such as a folder or an address."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The apps of a source, and what is wrong with those that cannot be used; all by their names."""

    packages: Mapping[str, AppPackage] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Origin of each app in `packages` or `problems`."""
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    bundle_problems: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with bundles that cannot be used."""

    def package(self, app: str) -> AppPackage:
        """Return an app; raises `NodeError` when there is none (with the nearest names), or its manifest is wrong."""
        if app in self.packages:
            return self.packages[app]
        if app in self.problems:
            raise NodeError(
                ErrorCode.INVALID_MANIFEST,
                msg("the manifest of {app} is wrong:\n{problems}", app=app, problems=self.problems[app]),
                hint=msg("fix the manifest, or report it to its author"),
            )
        near = near_names(app, self.packages)
        raise NodeError(
            ErrorCode.UNKNOWN_APP,
            msg("there is no app {app} in the catalog", app=f"{app!r}"),
            hint=msg("did you mean {near}?", near=" or ".join(near))
            if near
            else msg("'archipelago catalog' lists the apps"),
            data={"app": app, "nearest": near},
        )


class CatalogSource(Protocol):
    """A source of apps."""

    async def read(self) -> Catalog:
        """Return the apps as they are now; the same value for as long as nothing has changed."""

    async def screenshot(self, app: str, name: str) -> bytes | None:
        """Return a picture of an app; None where it has none of that name. Raises `NodeError` as `Catalog.package`."""


def merged(catalogs: Iterable[Catalog]) -> Catalog:
    """Return several catalogs as one; of an app that several have, the first counts, even where it is wrong. Pure.

    So no source can replace or block an app of a source that the owner placed before it. The same goes for bundles.
    """
    catalogs = tuple(catalogs)
    packages: dict[str, AppPackage] = {}
    problems: dict[str, str] = {}
    origins: dict[str, Origin] = {}
    for catalog in catalogs:
        new = (catalog.packages.keys() | catalog.problems.keys()) - origins.keys()
        packages |= {app: package for app, package in catalog.packages.items() if app in new}
        problems |= {app: problem for app, problem in catalog.problems.items() if app in new}
        origins |= {app: catalog.origins[app] for app in new}
    return Catalog(packages, problems, origins, *_merged_bundles(catalogs))


def _merged_bundles(catalogs: Iterable[Catalog]) -> tuple[dict[str, Bundle], dict[str, str]]:
    bundles: dict[str, Bundle] = {}
    problems: dict[str, str] = {}
    for catalog in catalogs:
        known = bundles.keys() | problems.keys()
        bundles |= {name: bundle for name, bundle in catalog.bundles.items() if name not in known}
        problems |= {name: problem for name, problem in catalog.bundle_problems.items() if name not in known}
    return bundles, problems
