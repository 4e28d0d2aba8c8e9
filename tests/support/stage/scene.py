"""What a node answers in a scene, by method; each answer is checked against the type that the method declares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from archipelago.api.catalog import BundleView
from archipelago.api.chains import ChainBlock, ChainFees, ChainMempool, ChainPeers, ChainReport
from archipelago.api.health import HealthState, Sync
from archipelago.api.operations import Operation, OperationKind
from archipelago.api.system import (
    AppDisk,
    AppResources,
    DiskReport,
    Notice,
    Resources,
    SetupProgress,
    SetupStep,
    SystemHistoryView,
    SystemInfo,
    SystemPoint,
)
from archipelago.chains.facts import ChainPhase
from archipelago.container.reports.options import option_views
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.methods.table import all_methods
from archipelago.storage.records.permissions import Permission
from support.stage import app_page, backups, home_network
from support.stage.plans import manifest_of, plan_of
from support.stage.players import GIB, Player, page_at, peers_at, wire_at

NOW = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)
Answer = Any | Callable[[dict[str, Any]], Any]

KNOTS = Player(
    app="bitcoin-knots",
    name="Bitcoin Knots",
    summary="Validates every block and transaction by itself",
    category="bitcoin",
    chain=Sync(
        chain="main",
        height=926_411,
        headers=926_411,
        percent=100,
        initial_block_download=False,
        peers=11,
        tip_at=NOW - timedelta(minutes=4),
    ),
    follows_chain=True,
    uses={"tor-socks": "tor"},
    endpoints=(peers_at(8333),),
    version="29.2",
    disk=712 * GIB,
    score=7,
)
STORY = (
    KNOTS,
    Player(
        app="electrumx",
        name="ElectrumX",
        summary="Connect Electrum, Sparrow and hardware wallets to your own node",
        category="bitcoin",
        uses={"bitcoin-rpc": "bitcoin-knots"},
        endpoints=(wire_at(50001, "tcp", "Electrum wallets", interface="electrum", lan="ssl"),),
        score=8,
    ),
    Player(
        app="lnd",
        name="LND",
        summary="Lightning node with channels and invoices",
        category="lightning",
        uses={"bitcoin-rpc": "bitcoin-knots"},
        colours=("#8f7bff", "#5b3df5"),
        drawing="bolt",
        score=8,
    ),
    Player(
        app="mempool",
        name="Mempool",
        summary="Explorer for blocks, fees and your own transactions",
        category="bitcoin",
        uses={"electrum": "electrumx", "bitcoin-rpc": "bitcoin-knots"},
        endpoints=(page_at(8999),),
        drawing="blocks",
    ),
    Player(
        app="lnbits",
        name="LNbits",
        summary="Wallets and shops on top of your Lightning node",
        category="lightning",
        uses={"lnd-rest": "lnd"},
        endpoints=(page_at(5000),),
        colours=("#6a3de8", "#2b2350"),
        drawing="wallet",
    ),
    Player(
        app="nostr-relay",
        name="Nostr relay",
        summary="Keeps your notes, and those of the people you choose",
        category="nostr",
        endpoints=(wire_at(6969, "ws", "Nostr clients", interface="nostr-relay"),),
        score=8,
    ),
    Player(
        app="tor",
        name="Tor",
        summary="Reach this node from anywhere, and hide where it is",
        category="network",
        score=6,
    ),
    Player(
        app="home-assistant",
        name="Home Assistant",
        summary="Lights, heating and sensors at home",
        category="home",
        endpoints=(page_at(8123),),
        colours=("#38bdf0", "#0c6e96"),
        drawing="house",
        score=5,
    ),
)
OFFERED = (
    Player(
        app="specter",
        name="Specter",
        summary="Multi-signature wallets with your own keys",
        category="bitcoin",
        uses={"bitcoin-rpc": "bitcoin-knots"},
        score=6,
    ),
    Player(
        app="btcpay",
        name="BTCPay Server",
        summary="Invoices for your shop, without a middleman",
        category="lightning",
        egress="direct",
        screenshots=3,
        took=190,
        options={
            "prices": {"type": "bool", "label": "Show prices", "default": False, "help": "Asks an exchange for them."},
            "currency": {"type": "choice", "label": "Currency", "choices": ["EUR", "USD", "GBP"], "default": "EUR"},
            "cache": {"type": "int", "label": "Cache", "unit": "MiB", "default": 256, "advanced": True},
        },
        uses={"lnd-rest": "lnd"},
        colours=("#2fae6f", "#0f3b2c"),
        drawing="bag",
        score=6,
    ),
    Player(
        app="searxng",
        name="SearXNG",
        summary="Searches many engines, and tells none of them who asks",
        category="network",
        colours=("#5c8cff", "#273b7a"),
        drawing="search",
    ),
)
BUNDLES = (
    BundleView(
        bundle="lightning",
        name="Accept Lightning payments",
        summary="A shop, invoices and a search that nobody watches, on your own node",
        apps=("btcpay", "searxng", "lnd"),
    ),
    BundleView(
        bundle="wallets",
        name="A private wallet server",
        summary="See and spend your bitcoin from any wallet without asking someone else's server",
        apps=("specter", "electrumx", "bitcoin-knots"),
    ),
)
SYSTEM = SystemInfo(
    version="0.9.0",
    node_id="6f1c9a4e",
    revision=4711,
    architecture="arm64",
    kernel="6.12.30",
    memory=16 * GIB,
    memory_available=11 * GIB,
    cores=4,
    load=0.56,
    disk_total=2000 * GIB,
    disk_free=1205 * GIB,
    temperature=47,
    podman="5.4.2",
    data_root="/var/lib/archipelago",
    uptime=5 * 86_400,
)
NO_PREFERENCES: dict[str, list[str]] = {"card_order": [], "hidden_cards": [], "pinned_apps": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A node at a moment."""

    apps: tuple[Player, ...] = STORY
    offered: tuple[Player, ...] = OFFERED
    operations: tuple[Operation, ...] = ()
    notices: tuple[Notice, ...] = ()
    bundles: tuple[BundleView, ...] = BUNDLES
    system: SystemInfo = SYSTEM
    setup: tuple[SetupStep, ...] = tuple(SetupStep)
    more: Mapping[str, Answer] = field(default_factory=dict)
    """Answers of other methods, or other ones of these."""

    @property
    def players(self) -> dict[str, Player]:
        """Its apps and those of its store, by their ids."""
        return {one.app: one for one in (*self.apps, *self.offered)}

    def answers(self) -> dict[str, Answer]:
        """Return what the node answers, by method."""
        by_id = {one.app: one for one in self.apps}
        operations = {one.id: one for one in self.operations}
        players = self.players

        def status(given: dict[str, Any]) -> Any:
            return by_id[given["app"]].status_view(self.used_by(given["app"]), NOW - timedelta(days=5))

        def options(given: dict[str, Any]) -> Any:
            if given["app"] in by_id:
                return app_page.OPTIONS
            return option_views(manifest_of(known(players, given["app"]), players), None)

        return {
            "login-status": {
                "set_up": True,
                "user": "owner",
                "role": "owner",
                "permissions": list(Permission),
                "second_factor": True,
            },
            "container-list": [one.summary_view() for one in self.apps],
            "container-status": status,
            "catalog-list": [
                *(one.entry(installed=True) for one in self.apps),
                *(one.entry(installed=False) for one in self.offered),
            ],
            "system-info": self.system,
            "system-resources": resources_of(self.apps),
            "bundle-list": self.bundles,
            "plan": lambda given: plan_of(self.apps, self.offered, given),
            "operation-list": self._operations,
            "operation-get": lambda given: operations[given["id"]],
            "node-notices": self.notices,
            "notice-list": [],
            "notice-channel-list": [],
            "setup-status": SetupProgress(done=self.setup),
            **home_network.answers(NOW),
            "session-list": [],
            "passkey-list": [],
            "user-list": [],
            "token-list": [],
            "data-list": [],
            "data-contested": [],
            "doctor": [],
            "audit-show": [],
            "chain-report": chain_report,
            "system-history": HISTORY,
            "system-disk": self.disk(),
            "preferences-get": NO_PREFERENCES,
            "preferences-set": lambda given: {**NO_PREFERENCES, **given},
            **app_page.answers(by_id.__getitem__, NOW),
            **backups.answers(tuple(by_id), NOW),
            "change-preview": lambda given: {
                "app": given["app"],
                "stops": (),
                "interrupts": self.used_by(given["app"]),
            },
            "option-list": options,
            **self.more,
        }

    def disk(self) -> DiskReport:
        """Return what the data of its apps takes."""
        apps = sorted(self.apps, key=lambda one: -one.disk)
        return DiskReport(
            total=self.system.disk_total,
            free=self.system.disk_free,
            apps=tuple(AppDisk(app=one.app, name=one.name, bytes=one.disk, counted=True, at=NOW) for one in apps),
            counting=False,
        )

    def _operations(self, given: dict[str, Any]) -> list[Operation]:
        app = given.get("app")
        if app is None:
            return list(self.operations)
        past = [app_page.operation(app, kind, NOW) for kind in (OperationKind.RESTART, OperationKind.INSTALL)]
        return [*(one for one in self.operations if one.app == app), *past]

    def used_by(self, app: str) -> tuple[str, ...]:
        """Return who uses an app."""
        return tuple(one.app for one in self.apps if app in one.uses.values())

    def with_app(self, app: str, **changes: Any) -> "Scene":
        """Return the scene with one of its apps in another state."""
        return replace(self, apps=tuple(replace(one, **changes) if one.app == app else one for one in self.apps))


def known(players: Mapping[str, Player], app: str) -> Player:
    """Return an app of a scene; raises `NodeError` as the catalog does."""
    if app not in players:
        raise NodeError(ErrorCode.UNKNOWN_APP, f"there is no app '{app}' in the catalog", hint="look in the store")
    return players[app]


_RESULTS = {method.name: TypeAdapter(method.result) for method in all_methods() if method.result is not None}


def as_json(method: str, answer: Any) -> Any:
    """Return an answer as it is sent; raises `ValidationError` for what the node could never answer."""
    adapter = _RESULTS.get(method)
    return None if adapter is None else adapter.dump_python(adapter.validate_python(answer), mode="json")


BLOCKS = ((4, 3021, 0.97), (19, 2788, 0.92), (23, 3310, 0.99), (41, 1204, 0.43), (44, 2954, 0.95), (52, 2411, 0.88))
HISTORY = SystemHistoryView(
    step=60,
    memory_total=16 * GIB,
    disk_total=2000 * GIB,
    points=tuple(
        SystemPoint(
            at=NOW - timedelta(minutes=60 - at),
            cpu=0.06 + 0.05 * ((at * 37) % 11) / 11 + (0.12 if at in {31, 47} else 0),
            memory_used=int((4.9 + 0.02 * (at % 9)) * GIB),
            disk_used=795 * GIB,
        )
        for at in range(60)
    ),
)


def chain_report(given: dict[str, Any]) -> ChainReport:
    """Return what a chain's program says, an ordinary day."""
    return ChainReport(
        app=given["app"],
        at=NOW,
        running=True,
        phase=ChainPhase.DONE,
        height=926_411,
        headers=926_411,
        percent=100,
        blocks=tuple(
            ChainBlock(height=926_411 - at, time=NOW - timedelta(minutes=ago), transactions=number, weight_share=share)
            for at, (ago, number, share) in enumerate(BLOCKS)
        ),
        peers=ChainPeers(inbound=3, outbound=8, over_tor=8),
        mempool=ChainMempool(transactions=41_204, bytes=38 * 1024**2),
        fees=ChainFees(unit="sat/vB", next_block=4, hour=2.5, day=1),
        disk_bytes=712 * GIB,
        pruned=False,
    )


def resources_of(apps: tuple[Player, ...]) -> Resources:
    """Return what apps take of the host."""
    return Resources(
        memory=16 * GIB,
        cores=4,
        apps=tuple(
            AppResources(
                app=one.app,
                name=one.name,
                desired=one.desired,
                memory_limit=GIB,
                cpu_limit=2,
                pids_limit=256,
                memory_used=(80 + 97 * at) * 1024**2 if one.state is not HealthState.STOPPED else None,
                cpu_used=0.02 * (at + 1),
            )
            for at, one in enumerate(apps)
        ),
    )
