"""What the owner is asked to agree to, and whether it is still the same when it is carried out. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from archipelago.container.manifest.package import AppPackage
from archipelago.container.manifest.scalars import Scalar
from archipelago.container.plan import Action, Plan
from archipelago.errors import ErrorCode, NodeError


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan with all that it would bring onto the node."""

    plan: Plan
    packages: Mapping[str, AppPackage]
    """The apps that are installed or updated."""
    options: Mapping[str, Scalar] = field(default_factory=dict)
    """What the owner set of the app that was asked for."""

    @classmethod
    def of(cls, plan: Plan, catalog: Mapping[str, AppPackage], options: Mapping[str, Scalar]) -> Self:
        """Return a proposal; its plan has a digest over all that matters to the owner."""
        new = [planned.app for planned in plan.apps if planned.action in (Action.INSTALL, Action.UPDATE)]
        packages = {app: catalog[app] for app in new}
        content = {
            "packages": _digests(packages),
            "actions": {planned.app: planned.action for planned in plan.apps},
            "edges": [edge.model_dump(mode="json") for edge in plan.edges],
            "ports": plan.ports,
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return cls(plan.model_copy(update={"digest": digest}), packages, options)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each package, to be kept with the operation."""
        return _digests(self.packages)

    def require_plan(self, digest: str | None) -> None:
        """Raise `NodeError` where the owner agreed to another plan; None stands for no plan that was looked at."""
        if digest is not None and digest != self.plan.digest:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                "the plan is another one by now: an app of the catalog, or what is installed, was changed meanwhile",
                hint="look at the plan again, then install",
            )

    def require_packages(self, agreed: Mapping[str, str] | None) -> None:
        """Raise `NodeError` where a package is not the one of these digests; None stands for an older operation."""
        for app, digest in self.digests.items() if agreed is not None else ():
            if agreed is not None and agreed.get(app) != digest:
                what = "was changed in the catalog" if app in agreed else "is needed as well by now"
                raise NodeError(
                    ErrorCode.BUSY,
                    f"{app} {what} since the plan was made",
                    hint="look at the plan again, then try again",
                )


def _digests(packages: Mapping[str, AppPackage]) -> dict[str, str]:
    return {app: package.package_digest() for app, package in packages.items()}
