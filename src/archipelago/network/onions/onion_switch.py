"""Has endpoints reached through Tor, or not, and hands out the keys of their clients."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from archipelago.api.apps import EndpointStatus
from archipelago.api.onions import OnionKey, OnionsView
from archipelago.container.manifest.exposure import OnionAccess, require_login_page, require_onion
from archipelago.container.manifest.model.settings import SecretKind
from archipelago.container.operations.changes.turn import Changes
from archipelago.container.reports.apps import Reporter
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.onions.onion_keeper import OnionKeeper
from archipelago.network.onions.onion_keys import SEED_BYTES, client_key, client_line
from archipelago.network.onions.services import NODE_PAGE
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.secret_names import client_key_name
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class OnionSwitch:
    """Keeps the owner's decision, and has Tor follow it."""

    changes: Changes
    keeper: OnionKeeper
    secrets: SecretsManager
    reporter: Reporter
    has_password: Callable[[], bool]

    async def switch(self, app: str, endpoint: str, access: OnionAccess) -> EndpointStatus:
        """Say who reaches an endpoint through Tor; once this returns, Tor knows if it runs. Raises `NodeError`."""
        if access is not OnionAccess.OFF:
            endpoints = (await self.reporter.installed(app)).record.package.manifest.endpoints
            require_onion(app, endpoints, endpoint, access)
            require_login_page(app, endpoints, endpoint, has_page=self.keeper.for_node)
        await self.changes.set_onion(app, endpoint, access)
        await self.keeper.apply()
        return await self.reporter.endpoint(app, endpoint)

    async def switch_node(self, *, on: bool) -> OnionsView:
        """Have the node's own page reached through Tor with its client key, or not. Raises `NodeError`."""
        if on:
            if self.keeper.tor is None:
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("no Tor is installed and started"),
                    hint=msg("install it: 'archipelago install tor'"),
                )
            if not self.has_password():
                raise NodeError(
                    ErrorCode.FORBIDDEN,
                    msg("the owner cannot be recognised yet, so the node stays on loopback"),
                    hint=msg("set a password first: 'archipelago password'"),
                )
        await self.keeper.set_for_node(on)
        return await self.view()

    async def node_key(self, *, new: bool) -> OnionKey:
        """Return the client key of the node's own page; a `new` one shuts out who had the old. Raises `NodeError`."""
        tor = self.keeper.tor
        name = self.keeper.name_of(tor.app, NODE_PAGE) if tor else None
        if tor is None or name is None:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("the node's own page is not reached through Tor now"),
                hint=msg("switch it on: 'archipelago network tor-node on'"),
            )
        if new:
            await self._renew(tor.app, NODE_PAGE)
        seed = await asyncio.to_thread(self._seed, tor.app, NODE_PAGE)
        return OnionKey(address=f"http://{name}/", key=client_key(seed), line=client_line(name, seed))

    async def key(self, app: str, endpoint: str) -> OnionKey:
        """Return the key of clients of an endpoint. Raises `NodeError`."""
        status = await self.reporter.endpoint(app, endpoint)
        name = self.keeper.name_of(app, endpoint)
        if status.onion is None or name is None or status.tor is not OnionAccess.CLIENTS:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{endpoint} of {app} is not reached with a client key now", endpoint=endpoint, app=app),
                hint=msg("switch it on: 'archipelago access {app} {endpoint} --tor on'", app=app, endpoint=endpoint),
            )
        seed = await asyncio.to_thread(self._seed, app, endpoint)
        return OnionKey(address=status.onion, key=client_key(seed), line=client_line(name, seed))

    async def renew_key(self, app: str, endpoint: str) -> OnionKey:
        """Replace the key of clients: whoever had the old one is shut out. Raises `NodeError`."""
        await self.key(app, endpoint)
        await self._renew(app, endpoint)
        return await self.key(app, endpoint)

    async def view(self) -> OnionsView:
        """Return whether Tor has connected, and what does not work."""
        tor = self.keeper.tor
        return OnionsView(
            tor=tor.app if tor else None,
            progress=self.keeper.progress,
            node=self.keeper.for_node,
            endpoints=tuple(f"{each.app}/{each.endpoint}" for each in self.keeper.wanted if each.endpoint != NODE_PAGE),
            problems=self.keeper.problems,
        )

    async def _renew(self, app: str, endpoint: str) -> None:
        name = client_key_name(endpoint)
        await asyncio.to_thread(self.secrets.renew, app, name, SecretKind.HEX, SEED_BYTES)
        await self.keeper.apply()

    def _seed(self, app: str, endpoint: str) -> bytes:
        found = self.secrets.ensure(app, client_key_name(endpoint), SecretKind.HEX, SEED_BYTES)
        return bytes.fromhex(found.reveal())
