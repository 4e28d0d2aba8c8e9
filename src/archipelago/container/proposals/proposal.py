"""What the owner is asked to agree to, and whether it is still the same when it is carried out. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from archipelago.container.dependency_resolver.plan import Action, Plan
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan with all that it would bring onto the node."""

    plan: Plan
    packages: Mapping[str, AppPackage]
    """The apps that are installed or updated."""
    options: Mapping[str, Scalar] = field(default_factory=dict)
    """What the owner set of the app that was asked for."""

    @classmethod
    def of(cls, plan: Plan, catalog: Mapping[str, AppPackage], options: Mapping[str, Scalar], *apps: str) -> Self:
        """Return a proposal about apps; its plan has a digest over all of it that has to do with them."""
        new = [planned.app for planned in plan.apps if planned.action in (Action.INSTALL, Action.UPDATE)]
        packages = {name: catalog[name] for name in new}
        shown = concerning(plan, *apps)
        content = {
            "packages": _digests(packages),
            "actions": {planned.app: planned.action for planned in shown.apps},
            "edges": [edge.model_dump(mode="json") for edge in shown.edges],
            "ports": shown.ports,
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return cls(plan.model_copy(update={"digest": digest}), packages, options)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each package, to be kept with the operation."""
        return _digests(self.packages)

    def require(self, plan: str | None, packages: Mapping[str, str] | None = None) -> None:
        """Raise `NodeError` where the owner agreed to another plan, or to other packages, each by its digest.

        None stands for a plan that nobody looked at, and for the packages of an operation of an older version.
        """
        if packages is not None:
            require_packages(self.packages, packages)
        if plan is not None and plan != self.plan.digest:
            raise another_plan(ErrorCode.INVALID_VALUE)


def another_plan(code: ErrorCode = ErrorCode.BUSY) -> NodeError:
    """Return the error for a plan that is not the one that was looked at."""
    return NodeError(
        code,
        msg("the plan is another one by now: an app of the catalog, or what is installed, was changed meanwhile"),
        hint=msg("look at the plan again, then install"),
    )


def require_packages(packages: Mapping[str, AppPackage], agreed: Mapping[str, str]) -> None:
    """Raise `NodeError` BUSY where a package is not the one of these digests."""
    for app, digest in _digests(packages).items():
        if agreed.get(app) != digest:
            what = msg("was changed in the catalog") if app in agreed else msg("is needed as well by now")
            raise NodeError(
                ErrorCode.BUSY,
                msg("{app} {what} since the plan was made", app=app, what=what),
                hint=msg("look at the plan again, then try again"),
            )


def touched(plan: Plan) -> tuple[str, ...]:
    """Return the apps that a plan changes, in the order in which they start."""
    return tuple(planned.app for planned in plan.apps if planned.action is not Action.REUSE)


def concerning(plan: Plan, *apps: str) -> Plan:
    """Return the part of a plan that has to do with apps: what changes, and what that uses, itself or by others."""
    known = {planned.app: planned for planned in plan.apps}
    concerned = {name for name, planned in known.items() if planned.action is not Action.REUSE}.union(apps)
    waiting = sorted(concerned)
    while waiting:
        found = {edge.provider for edge in plan.edges if edge.consumer == waiting[-1]} - concerned
        waiting.pop()
        concerned |= found
        waiting += sorted(found)
    edges = tuple(edge for edge in plan.edges if edge.consumer in concerned)
    used = {edge.interface for edge in edges}
    return plan.model_copy(
        update={
            "apps": tuple(planned for planned in plan.apps if planned.app in concerned),
            "edges": edges,
            "ports": {key: port for key, port in plan.ports.items() if key.partition("/")[0] in concerned},
            "alternatives": {interface: apps for interface, apps in plan.alternatives.items() if interface in used},
        }
    )


def _digests(packages: Mapping[str, AppPackage]) -> dict[str, str]:
    return {app: package.package_digest() for app, package in packages.items()}
