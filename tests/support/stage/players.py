"""Apps of a scene: some of the project's catalog, and some that are made up for it."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from archipelago.api.apps import AppStatus, AppSummary, Dependency, EndpointStatus
from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.catalog import CatalogEntry, ScreenshotView
from archipelago.api.containers import ContainerStatus, Limits
from archipelago.api.health import Health, HealthState, Sync
from archipelago.container.dependency_resolver.rating import Rating, RatingLine
from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.model.app import Category
from archipelago.container.manifest.package import load_package
from archipelago.storage.records.apps import Desired

APPS = Path(__file__).resolve().parents[3] / "apps"
GIB = 1024**3
MARK = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><defs><linearGradient id="g" x2="1" y2="1">
<stop stop-color="{light}"/><stop offset="1" stop-color="{deep}"/></linearGradient></defs>
<rect width="64" height="64" rx="15" fill="url(#g)"/><g fill="none" stroke="#fff" stroke-width="4"
stroke-linecap="round" stroke-linejoin="round">{drawing}</g></svg>"""
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="1280" height="800"><rect width="1280" height="800"
fill="#f3f5f4"/><rect width="260" height="800" fill="{deep}"/><rect x="36" y="40" width="150" height="26" rx="8"
fill="#fff" opacity=".9"/>{places}<rect x="310" y="50" width="420" height="44" rx="10" fill="#1d2b33"/>{cards}
<path d="M330 700 {line} V740 H330Z" fill="{light}" opacity=".28"/></svg>"""
DRAWINGS = {
    "bolt": '<path d="M35 12 18 36h13l-3 16 17-24H32z"/>',
    "blocks": '<path d="M18 26h14v22H18zM32 34h14v14H32zM36 16h12v12H36z"/>',
    "house": '<path d="M14 32 32 16l18 16M20 28v20h24V28M28 48V38h8v10"/>',
    "wallet": '<path d="M16 22h30v26H16zM16 22l22-8v8M38 32h12v8H38z"/>',
    "bag": '<path d="M17 24h30l3 26H14zM25 30v-8a7 7 0 0 1 14 0v8"/>',
    "search": '<circle cx="29" cy="29" r="13"/><path d="m39 39 11 11"/>',
}


@cache
def _pictures_of(app: str) -> tuple[ScreenshotView, ...]:
    """Return the screenshots of an app of the catalog; once, since a page asks again and again."""
    found = load_package(APPS / app).screenshots
    return tuple(
        ScreenshotView(name=one.name, version=one.version, width=one.width, height=one.height) for one in found
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """One app of a scene, and how it is."""

    app: str
    name: str
    summary: str
    category: str
    uses: dict[str, str] = field(default_factory=dict)
    """Interface -> app that provides it."""
    state: HealthState = HealthState.HEALTHY
    reason: str = ""
    needs_owner: bool = False
    chain: Sync | None = None
    follows_chain: bool = False
    lightning: bool = False
    endpoints: tuple[EndpointStatus, ...] = ()
    colours: tuple[str, str] = ("#2f86c9", "#12324f")
    drawing: str = "blocks"
    version: str = "1.4.2"
    score: int = 7
    operation: str | None = None
    update_to: str | None = None
    disk: int = 2 * GIB
    traffic: float | None = 40_000
    egress: str = "none"
    options: dict[str, Any] = field(default_factory=dict)
    screenshots: int = 0
    took: float | None = None
    """Seconds of its last installation."""

    @property
    def icon(self) -> bytes:
        """Its icon: the catalog's, or one that is drawn."""
        real = APPS / self.app / "icon.svg"
        if real.exists():
            return real.read_bytes()
        light, deep = self.colours
        return MARK.format(light=light, deep=deep, drawing=DRAWINGS[self.drawing]).encode()

    @property
    def pictures(self) -> tuple[ScreenshotView, ...]:
        """Its screenshots: the catalog's, or ones that are drawn."""
        if (APPS / self.app).exists():
            return _pictures_of(self.app)
        names = (f"{number}.png" for number in range(1, self.screenshots + 1))
        return tuple(ScreenshotView(name=name, version="1", width=1280, height=800) for name in names)

    def picture(self, name: str) -> bytes:
        """Return the content of a screenshot."""
        real = APPS / self.app / "screenshots" / name
        if real.exists():
            return real.read_bytes()
        number, (light, deep) = int(name[0]), self.colours
        places = "".join(
            f'<rect x="36" y="{120 + 56 * row}" width="{120 + 17 * (row * number % 4)}" height="18" rx="6" '
            f'fill="#fff" opacity=".5"/>'
            for row in range(6)
        )
        cards = "".join(
            f'<rect x="{310 + 310 * (at % 3)}" y="{140 + 190 * (at // 3)}" width="286" height="160" rx="18" '
            f'fill="{light if at == number else "#ffffff"}"/>'
            for at in range(6)
        )
        line = " ".join(f"L{330 + 90 * at} {640 - (at * 37 * number) % 90}" for at in range(11))
        return PICTURE.format(light=light, deep=deep, places=places, cards=cards, line=line).encode()

    @property
    def desired(self) -> Desired:
        """What its owner wants."""
        return Desired.STOPPED if self.state in {HealthState.STOPPED, HealthState.STOPPING} else Desired.RUNNING

    @property
    def rating(self) -> Rating:
        """How little it asks for."""
        missing = 8 - self.score
        lines = (RatingLine(points=-missing, what="reaches the internet"),) if missing else ()
        return Rating(score=self.score, lines=lines)

    def summary_view(self) -> AppSummary:
        """It in the list of apps."""
        return AppSummary(
            app=self.app,
            name=self.name,
            icon="1",
            version=self.version,
            desired=self.desired,
            state=self.state,
            reason=self.reason,
            percent=self.chain.percent if self.chain and self.state is HealthState.SYNCING else None,
            chain=self.chain,
            follows_chain=self.follows_chain,
            endpoints=self.endpoints,
            operation=self.operation,
            category=Category(self.category),
            uses=self.dependencies,
            traffic=self.traffic,
        )

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """The apps that it uses."""
        return tuple(Dependency(interface=interface, app=app, optional=False) for interface, app in self.uses.items())

    def status_view(self, used_by: tuple[str, ...], now: datetime) -> AppStatus:
        """It on a page of its own."""
        health = Health(state=self.state, reason=self.reason, since=now, sync=self.chain, needs_owner=self.needs_owner)
        runs = self.desired is Desired.RUNNING
        return AppStatus(
            app=self.app,
            name=self.name,
            icon="1",
            version=self.version,
            summary=self.summary,
            desired=self.desired,
            health=health,
            chain=self.chain,
            containers=(
                ContainerStatus(
                    name="main",
                    container=f"archipelago-{self.app}--main",
                    image="localhost/archipelago/app:1",
                    state="running" if runs else "exited",
                    health=health,
                    limits=Limits(memory=GIB, cpu=2, pids=256),
                    started_at=now if runs else None,
                ),
            ),
            endpoints=self.endpoints,
            uses=self.dependencies,
            used_by=used_by,
            update_to=self.update_to,
            automatic=AutomaticUpdateView(app=self.app, on=False, from_hour=4, to_hour=7),
            operation=self.operation,
            rating=self.rating,
            reports_lightning=self.lightning,
        )

    def entry(self, *, installed: bool) -> CatalogEntry:
        """It in the store."""
        return CatalogEntry(
            app=self.app,
            name=self.name,
            icon="1",
            version=self.version,
            summary=self.summary,
            description=self.summary + ". It keeps what it knows on this node, and asks nobody else.",
            category=self.category,
            license="MIT",
            website="https://example.org/",
            architectures=("amd64", "arm64"),
            memory=GIB,
            disk=self.disk,
            requires=tuple(self.uses),
            provides=(),
            installed=self.version if installed else None,
            rating=self.rating,
            screenshots=self.pictures,
            took=self.took,
        )


HOST = "192.168.1.20"
"""The node's address in its home network."""


def page_at(port: int, label: str | None = None) -> EndpointStatus:
    """Return the page of an app, open to the home network."""
    return EndpointStatus(
        name="web",
        kind="ui",
        protocol="http",
        address=f"http://{LOOPBACK}:{port}/",
        local_addresses=(f"https://{HOST}:{port}/",),
        site="http://app.localhost:8481/",
        open=True,
        label=label or "Web page",
    )


def wire_at(
    port: int, scheme: str, label: str, *, interface: str | None = None, lan: str | None = None
) -> EndpointStatus:
    """Return what wallets and other programs connect with; open to the home network where it has a scheme there."""
    return EndpointStatus(
        name="api",
        kind="api",
        protocol="http" if scheme == "ws" else "tcp",
        address=f"{scheme}://{LOOPBACK}:{port}",
        local_addresses=(f"{lan}://{HOST}:{port}",) if lan else (),
        open=lan is not None,
        label=label,
        interface=interface,
    )


def peers_at(port: int) -> EndpointStatus:
    """Return what other nodes connect to."""
    return EndpointStatus(name="p2p", kind="p2p", protocol="tcp", address=f"{LOOPBACK}:{port}", label="Other nodes")
