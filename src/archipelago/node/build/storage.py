"""The first layer of a node: what it keeps, who may log in, and what is written down."""

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from archipelago.config import NodeConfig
from archipelago.security.audit.log import AuditLog
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import Clocks, host_clocks
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.database import Database
from archipelago.storage.event_bus import EventBus
from archipelago.storage.file_modes import make_folders
from archipelago.storage.stores.accounts import AccountStore
from archipelago.storage.stores.runs import RunStore
from archipelago.storage.stores.state import State


@dataclass(frozen=True, slots=True)
class Storage:
    """What is open of the node's data."""

    config: NodeConfig
    secrets: SecretsManager
    database: Database
    bus: EventBus
    state: State
    runs: RunStore
    audit: AuditLog
    login: Login
    clocks: Clocks
    node_id: str
    seed: str
    """Secret from which the places of what is behind the node's login are made (`loopback_places`)."""


async def open_storage(config: NodeConfig, secrets_manager: SecretsManager, closing: AsyncExitStack) -> Storage:
    """Open the database and the audit log; `closing` closes them. Raises `NodeError`."""
    layout, clocks, bus = config.layout, host_clocks(), EventBus()
    await asyncio.to_thread(make_folders, layout)
    database = Database(config.database)
    closing.push_async_callback(database.close)
    audit = AuditLog(layout.audit_log, layout.identity_key, now=lambda: datetime.now(UTC))
    await audit.open()
    await database.open()
    state = State(database, bus.publish)
    await state.open()

    async def say_notice() -> None:
        # Pages that are open look at their notices; what is in them is for some alone.
        await state.record("notice", None, "how somebody logs in has changed")

    login = Login(
        AccountStore(database),
        secrets_manager,
        clocks,
        lifetimes=config.sessions,
        port=config.port,
        hider=secrets_manager.redactor,
        on_notice=say_notice,
    )
    await login.open()
    node_id = await state.fact("node-id", lambda: secrets.token_hex(8))
    seed = await state.fact("loopback-seed", lambda: secrets.token_hex(16))
    runs = RunStore(database)
    return Storage(config, secrets_manager, database, bus, state, runs, audit, login, clocks, node_id, seed)
