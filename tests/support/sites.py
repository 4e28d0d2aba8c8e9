"""Sites of apps, where nobody serves them."""

from dataclasses import dataclass, field

from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.site_names import Doors
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.sites import Door
from archipelago.support.broadcast import Signal

DOORS = Doors(http_port=8481, https_port=8443, host="island")


@dataclass
class Recorded:
    """Remembers which doors there should be."""

    applied: list[tuple[Door, ...]] = field(default_factory=list)
    problems: tuple[str, ...] = ()

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        self.applied.append(doors)
        return self.problems

    async def close(self) -> None:
        """Nothing is open."""


def no_sites() -> SiteKeeper:
    """Return a keeper of no site, since no app is installed."""
    return SiteKeeper((Recorded(),), DOORS, DesiredState, Signal())
