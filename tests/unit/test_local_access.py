"""Whether the node is reachable from the local network, as it stands around a start."""

import asyncio
import ssl
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from test_certificates import Sealed

from archipelago.container.desired_state import DesiredState
from archipelago.container.signal import Signal
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.local_access import LocalAccess
from archipelago.security.certificates import Certificates

HERE = IPv4Address("192.168.1.5")


class Kept:
    """Stands for the database, in which the owner's decision stands."""

    def __init__(self, listen: str) -> None:
        self.listen = listen

    async def fact(self, key: str, make: Callable[[], str]) -> str:
        return self.listen

    async def set_fact(self, key: str, value: str) -> None:
        self.listen = value


def local_access(tmp_path: Path, kept: Kept) -> LocalAccess:
    """Return the access of a node that has one address and a password, and that was told earlier where to listen."""
    return LocalAccess(
        kept,
        Certificates(tmp_path, Sealed(), "island", now=lambda: datetime.now(UTC)),
        "island",
        8480,
        own_addresses=lambda: (HERE,),
        has_password=lambda: True,
        desired=DesiredState,
        changed=Signal(),
    )


async def front(addresses: Collection[IPv4Address], names: Collection[str], context: ssl.SSLContext) -> None:
    """Stand for a server that listens wherever it is told to."""


async def test_who_asks_while_the_node_starts_is_told_how_it_is_once_it_has_started(tmp_path: Path) -> None:
    access = local_access(tmp_path, Kept(str(HERE)))
    asked = asyncio.create_task(access.view())
    rules = asyncio.create_task(access.firewall(22))
    await asyncio.sleep(0)
    await access.open(front)
    assert (await asked).listening == (str(HERE),)
    assert str(HERE) in await rules
    await access.close()


async def test_what_the_owner_says_while_the_node_starts_is_not_undone_by_what_he_said_earlier(tmp_path: Path) -> None:
    kept = Kept(str(HERE))
    access = local_access(tmp_path, kept)
    said = asyncio.create_task(access.listen([]))
    await asyncio.sleep(0)
    await access.open(front)
    assert (await said).listening == ()
    assert access.addresses == () and kept.listen == ""
    await access.close()


async def test_it_can_be_asked_and_told_where_the_earlier_decision_cannot_be_carried_out(tmp_path: Path) -> None:
    async def taken(addresses: Collection[IPv4Address], names: Collection[str], context: ssl.SSLContext) -> None:
        if addresses:
            raise NodeError(ErrorCode.INVALID_VALUE, "the port is taken")

    access = local_access(tmp_path, Kept(str(HERE)))
    with pytest.raises(NodeError, match="taken"):
        await access.open(taken)
    assert (await access.view()).listening == ()
    assert (await access.listen([])).listening == ()
    await access.close()
