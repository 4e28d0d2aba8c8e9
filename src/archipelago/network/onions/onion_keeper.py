"""Keeps the onion services as the installed apps and the owner's word about Tor are."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import structlog

from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.exposure import OnionAccess
from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.container.manifest.model.settings import SecretKind
from archipelago.errors import NodeError
from archipelago.network.drivers.tor.control_text import (
    ControlError,
    OnionCommand,
    Reply,
    circuits_of,
    detached,
    progress_of,
)
from archipelago.network.drivers.tor.tor_control import RunningTor
from archipelago.network.onions.onion_keys import SEED_BYTES, client_public, onion_name, service_key
from archipelago.network.onions.services import (
    NODE_PAGE,
    WEB_PORT,
    TorApp,
    WantedOnion,
    node_onion,
    tor_app,
    wanted_onions,
)
from archipelago.network.route_keeper import endpoints_of
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.sites import Door, page_origin
from archipelago.security.secrets.secret import Secret
from archipelago.security.secrets.secret_names import client_key_name, onion_key_name
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import error_text, msg

_FACT = "onions"
_NODE_FACT = "onion-of-node"
_LOOK = 30.0
_SOON = 1.0
"""Seconds until Tor is asked again: usually, and while something is missing."""


class OnionFacts(Protocol):
    """Keeps small values."""

    async def found_fact(self, key: str) -> str:
        """Return a value, an empty text where there is none."""

    async def set_fact(self, key: str, value: str) -> None:
        """Keep a value."""


class OnionSecrets(Protocol):
    """Keeps the keys among the secrets of the apps. Blocking."""

    def ensure(self, app: str, name: str, kind: SecretKind, size: int) -> Secret:
        """Return a secret, made the first time."""


class Control(Protocol):
    """Speaks to Tor."""

    async def ask(self, tor: RunningTor, commands: tuple[str, ...]) -> tuple[Reply, ...]:
        """Return the answer to each command; raises `ControlError`."""


class Pipes(Protocol):
    """Leads what does not speak HTTP from sockets to endpoints."""

    async def apply(self, pipes: Mapping[Path, LoopbackPlace]) -> None:
        """Lead these sockets, and no others, each to a place of loopback."""

    async def close(self) -> None:
        """Lead none any longer."""


@dataclass(frozen=True, slots=True)
class Onion:
    """An onion service with its keys."""

    wanted: WantedOnion
    name: str
    """Its host name."""
    command: OnionCommand

    @property
    def digest(self) -> str:
        """Says whether Tor has it as it should be; nothing secret follows from it."""
        command = self.command
        return hashlib.sha256(f"{command.port} {command.socket} {command.client}".encode()).hexdigest()


class OnionKeeper:
    """Gives Tor the onion services by its control port, whenever they change or Tor has started again.

    The keys are among the secrets of each app, and Tor writes them nowhere. What it was given is remembered: a daemon
    that starts leaves those alone that are as they should be.
    """

    def __init__(
        self,
        facts: OnionFacts,
        secrets: OnionSecrets,
        control: Control,
        running: Callable[[TorApp], Awaitable[RunningTor | None]],
        sites: SiteKeeper,
        pipes: Pipes,
        sockets: Path,
        desired: Callable[[], DesiredState],
        health: Callable[[str], object],
        changed: Signal,
        node_port: int,
        seed: str,
    ) -> None:
        """`node_port` is that of the node's own page, on loopback; `seed` a secret of the node (`place_of`)."""
        self._facts, self._secrets, self._control, self._running = facts, secrets, control, running
        self._sites, self._pipes, self._sockets = sites, pipes, sockets
        self._desired, self._health, self._changed = desired, health, changed
        self._applying = asyncio.Lock()
        self._applied: object = None
        self._names: dict[tuple[str, str], str] = {}
        self._follower: asyncio.Task[None] | None = None
        self._node_port = node_port
        self._seed_of_places = seed
        self._for_node = False
        self.on_named: Callable[[frozenset[str]], None] = lambda _: None
        """Receives the onion names by which the node's own page is called."""
        self.progress: int | None = None
        """How far Tor has connected, in per cent; None where none runs, or none is needed."""
        self._failed: tuple[str, ...] = ()
        """What may go well at the next look."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why some of the onion services do not work."""
        closed = () if self._for_node or not self.tor else tuple(each for each in self.wanted if each.behind.guarded)
        if not closed:
            return self._failed
        why = msg(
            "nobody logs in to {labels} through Tor: the node's own page is not reached through it "
            "('archipelago network tor-node on')",
            labels=_labels(closed),
        )
        return (*self._failed, why)

    @property
    def wanted(self) -> tuple[WantedOnion, ...]:
        """The onion services that there should be now."""
        found, tor = wanted_onions(endpoints_of(self._desired()), self._seed_of_places), self.tor
        return (*found, node_onion(tor, self._node_port)) if self._for_node and tor else found

    @property
    def for_node(self) -> bool:
        """Whether the node's own page is to have one as well."""
        return self._for_node

    @property
    def tor(self) -> TorApp | None:
        """The app that publishes them."""
        return tor_app(self._desired())

    def name_of(self, app: str, endpoint: str) -> str | None:
        """Return the host name of an endpoint's onion service; None where it has none now."""
        return self._names.get((app, endpoint))

    async def prepare(self) -> None:
        """Make the ways from Tor to apps; they go on from an earlier life of the daemon. Raises nothing."""
        self._for_node = bool(await self._facts.found_fact(_NODE_FACT))
        with contextlib.suppress(NodeError):  # `apply` finds the same, and reports it
            self._sites.further = self._doors(await self._with_keys(self.wanted))

    async def set_for_node(self, wanted: bool) -> None:
        """Have the node's own page reached through Tor with its client key, or not."""
        await self._facts.set_fact(_NODE_FACT, "on" if wanted else "")
        self._for_node = wanted
        await self.apply()

    def start(self) -> None:
        """Keep them from now on."""
        self._follower = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Look after them no longer; Tor goes on with what it was given."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        await self._pipes.close()

    async def apply(self) -> None:
        """Have the onion services be as they should; once this returns, Tor knows, or `problems` says why not."""
        async with self._applying:
            self._applied = self._now()
            try:
                onions = await self._with_keys(self.wanted)
                await self._lead(onions)
                self._failed = await self._publish(onions)
            except NodeError as error:
                self._failed = (error_text(error),)
            except ControlError as error:
                self._failed = (msg("Tor does not take onion services: {why}", why=error),)

    async def _follow(self) -> None:
        while True:
            pause = _SOON if self._failed or (self.progress or 100) < 100 else _LOOK
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.until(lambda: self._now() != self._applied)
            try:
                await self.apply()
            except Exception:  # a mistake of ours; the next look may go well
                structlog.get_logger("network").exception("the onion services are not kept")
                await asyncio.sleep(_LOOK)

    def _now(self) -> object:
        tor = self.tor
        return self.wanted, tor, self._health(tor.app) if tor else None

    async def _with_keys(self, wanted: Collection[WantedOnion]) -> tuple[Onion, ...]:
        onions = await asyncio.to_thread(lambda: tuple(map(self._with_key, wanted)))
        self._names = {(each.wanted.app, each.wanted.endpoint): each.name for each in onions}
        self.on_named(frozenset(each.name for each in onions if each.wanted.endpoint == NODE_PAGE))
        return onions

    def _with_key(self, wanted: WantedOnion) -> Onion:
        seed = self._seed(wanted.app, onion_key_name(wanted.endpoint))
        client = self._seed(wanted.app, client_key_name(wanted.endpoint))
        tor = self.tor
        folder = PurePosixPath(tor.onions.sockets if tor else "/")
        return Onion(
            wanted,
            onion_name(seed),
            OnionCommand(
                service_key(seed),
                wanted.public_port,
                str(folder / wanted.socket),
                None if wanted.access is OnionAccess.PUBLIC else client_public(client),
            ),
        )

    def _seed(self, app: str, name: str) -> bytes:
        return bytes.fromhex(self._secrets.ensure(app, name, SecretKind.HEX, SEED_BYTES).reveal())

    async def _lead(self, onions: Collection[Onion]) -> None:
        """Have what listens on the sockets lead to the apps."""
        pipes = {
            self._sockets / each.wanted.socket: each.wanted.behind.place for each in onions if not each.wanted.is_site
        }
        await self._pipes.apply(pipes)
        doors = self._doors(onions)
        if doors != self._sites.further:
            self._sites.further = doors
            await self._sites.apply()

    def _doors(self, onions: Collection[Onion]) -> tuple[Door, ...]:
        """Return a door for each, with nothing else behind it: by the name of one, nobody gets to another."""
        # Where the node's own page is not reached through Tor, nobody gets past its login that way.
        pages = tuple(page_origin("http", each.name, WEB_PORT) for each in onions if each.wanted.endpoint == NODE_PAGE)
        return tuple(
            Door(
                f"onion-{each.wanted.socket}",
                (),
                {each.name: each.wanted.behind},
                pages=pages,
                socket=str(self._sockets / each.wanted.socket),
            )
            for each in onions
            if each.wanted.is_site
        )

    async def _publish(self, onions: Collection[Onion]) -> tuple[str, ...]:
        known: dict[str, str] = json.loads(await self._facts.found_fact(_FACT) or "{}")
        if not onions and not known:
            self.progress = None
            return ()
        app = self.tor
        tor = await self._running(app) if app is not None else None
        if tor is None:
            self.progress = None
            return (_missing(app, onions),) if onions else ()
        there, boot = await self._control.ask(tor, ("GETINFO onions/detached", "GETINFO status/bootstrap-phase"))
        self.progress = progress_of(boot)
        wanted = {each.name: each for each in onions}
        right = {name for name in detached(there) & wanted.keys() if known.get(name) == wanted[name].digest}
        if wrong := (detached(there) | known.keys()) - right:
            await self._keep_fact({name: known[name] for name in right})
            await self._withdraw(tor, wrong & detached(there))
        return await self._add(tor, [each for each in onions if each.name not in right], wanted, right)

    async def _add(
        self, tor: RunningTor, missing: Collection[Onion], wanted: Mapping[str, Onion], right: set[str]
    ) -> tuple[str, ...]:
        problems = []
        for onion in missing:
            reply = await self._added(tor, onion.command)
            if reply.good:
                right.add(onion.name)
            else:
                label = f"{onion.wanted.app}/{onion.wanted.endpoint}"
                why = " ".join(reply.lines)
                problems.append(msg("Tor refuses the onion service of {label}: {why}", label=label, why=why))
        if missing:
            await self._keep_fact({name: wanted[name].digest for name in right})
        return tuple(problems)

    async def _added(self, tor: RunningTor, command: OnionCommand) -> Reply:
        """Give Tor an onion service; one that was built without the defence by proof of work gets it without."""
        (reply,) = await self._control.ask(tor, (command.text(proof_of_work=True),))
        if not reply.good:
            (reply,) = await self._control.ask(tor, (command.text(proof_of_work=False),))
        return reply

    async def _withdraw(self, tor: RunningTor, names: Collection[str]) -> None:
        """End onion services, and the circuits of those who are there: a key that was replaced is of no use at once."""
        if not names:
            return
        ends = tuple(f"DEL_ONION {name.removesuffix('.onion')}" for name in sorted(names))
        *_, circuits = await self._control.ask(tor, (*ends, "GETINFO circuit-status"))
        open_circuits = [circuit for name in names for circuit in circuits_of(circuits, name)]
        if open_circuits:
            await self._control.ask(tor, tuple(f"CLOSECIRCUIT {each}" for each in open_circuits))

    async def _keep_fact(self, known: Mapping[str, str]) -> None:
        await self._facts.set_fact(_FACT, json.dumps(known, sort_keys=True) if known else "")


def _missing(app: TorApp | None, onions: Collection[Onion]) -> str:
    labels = _labels(each.wanted for each in onions)
    if app is None:
        return msg("no Tor is installed and started, so nobody reaches {labels} through it", labels=labels)
    return msg("{app} does not run, so nobody reaches {labels} through it", app=app.app, labels=labels)


def _labels(onions: Iterable[WantedOnion]) -> str:
    return ", ".join(f"{each.app}/{each.endpoint}" for each in onions)
