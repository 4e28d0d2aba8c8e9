"""Has endpoints reached through Tor, or not, and hands out the keys of their clients."""

import asyncio
from dataclasses import dataclass

from archipelago.api.apps import EndpointStatus
from archipelago.api.onions import OnionKey, OnionsView
from archipelago.container.manifest.exposure import OnionAccess
from archipelago.container.manifest.model.settings import SecretKind
from archipelago.container.operations.orchestrator import Orchestrator
from archipelago.container.reports.apps import Reporter
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.onions.onion_keeper import OnionKeeper
from archipelago.network.onions.onion_keys import SEED_BYTES, client_key, client_line
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.secret_names import client_key_name
from archipelago.support.texts.text import msg


@dataclass(frozen=True, slots=True)
class OnionSwitch:
    """Keeps the owner's decision, and has Tor follow it."""

    orchestrator: Orchestrator
    keeper: OnionKeeper
    secrets: SecretsManager
    reporter: Reporter

    async def switch(self, app: str, endpoint: str, access: OnionAccess) -> EndpointStatus:
        """Say who reaches an endpoint through Tor; once this returns, Tor knows if it runs. Raises `NodeError`."""
        await self.orchestrator.set_onion(app, endpoint, access)
        await self.keeper.apply()
        return await self.reporter.endpoint(app, endpoint)

    async def key(self, app: str, endpoint: str) -> OnionKey:
        """Return the key of clients of an endpoint. Raises `NodeError`."""
        status = await self.reporter.endpoint(app, endpoint)
        name = self.keeper.name_of(app, endpoint)
        if status.onion is None or name is None or status.tor is not OnionAccess.CLIENTS:
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{endpoint} of {app} is not reached with a client key now", endpoint=endpoint, app=app),
                hint=msg("switch it on: 'archipelago network tor {app} {endpoint} on'", app=app, endpoint=endpoint),
            )
        seed = await asyncio.to_thread(self._seed, app, endpoint)
        return OnionKey(address=status.onion, key=client_key(seed), line=client_line(name, seed))

    async def renew_key(self, app: str, endpoint: str) -> OnionKey:
        """Replace the key of clients: whoever had the old one is shut out. Raises `NodeError`."""
        await self.key(app, endpoint)
        await asyncio.to_thread(self.secrets.renew, app, client_key_name(endpoint), SecretKind.HEX, SEED_BYTES)
        await self.keeper.apply()
        return await self.key(app, endpoint)

    async def view(self) -> OnionsView:
        """Return whether Tor has connected, and what does not work."""
        tor = self.keeper.tor
        return OnionsView(
            tor=tor.app if tor else None,
            progress=self.keeper.progress,
            endpoints=tuple(f"{each.app}/{each.endpoint}" for each in self.keeper.wanted),
            problems=self.keeper.problems,
        )

    def _seed(self, app: str, endpoint: str) -> bytes:
        found = self.secrets.ensure(app, client_key_name(endpoint), SecretKind.HEX, SEED_BYTES)
        return bytes.fromhex(found.reveal())
