"""How the host is shared out among apps: which of them are paused, and what each may take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Never

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.desired.state import DesiredState
from archipelago.performance.control_groups import ControlGroups
from archipelago.performance.resource_manager.budgets import AppBudget


def _nothing(_: DesiredState) -> Mapping[str, Never]:
    return {}


@dataclass(frozen=True, slots=True)
class HostShare:
    """Decides by the desired state, each time that it changes."""

    paused: Callable[[DesiredState], Mapping[str, str]] = _nothing
    """Returns the apps that the node does not run for now, each with the reason."""
    budgets: Callable[[DesiredState], Mapping[str, AppBudget]] = _nothing
    """Returns what each app may take of the host."""
    limits: ControlGroups = field(default_factory=lambda: ControlGroups(ControlGroup()))
    """Enforces it on containers that run."""

    def decide(self, desired: DesiredState) -> DesiredState:
        """Return a desired state with what follows for it."""
        return replace(desired, paused=self.paused(desired), budgets=self.budgets(desired))
