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
from archipelago.network.host_names import local_names
from archipelago.network.local_access import LocalAccess
from archipelago.security.certificates import Certificates

HERE = IPv4Address("192.168.1.5")
ODD_HOSTNAMES = (
    "bücher",
    "узел-" * 11,
    "\udcff\udcfe",
    "",
    "*",
    "a b",
    "-",
    "x" * 64,
    "node.",
    ".",
    "ä" * 32,
    "\n",
    "\0",
)
"""What Linux takes for a hostname (sethostname(2)), as Python shows it: bytes that are no UTF-8 included."""


class Kept:
    """Stands for the database, in which the owner's decision stands."""

    def __init__(self, listen: str) -> None:
        self.listen = listen

    async def fact(self, key: str, make: Callable[[], str]) -> str:
        return self.listen

    async def set_fact(self, key: str, value: str) -> None:
        self.listen = value


def local_access(tmp_path: Path, kept: Kept, name: str = "island") -> LocalAccess:
    """Return the access of a node that has one address and a password, and that was told earlier where to listen."""
    return LocalAccess(
        kept,
        Certificates(tmp_path, Sealed(), name, now=lambda: datetime.now(UTC)),
        name,
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


@pytest.mark.parametrize("name", ODD_HOSTNAMES)
async def test_a_host_of_any_name_can_be_reached(tmp_path: Path, name: str) -> None:
    access = local_access(tmp_path, Kept(str(HERE)), name)
    await access.open(front)
    view = await access.view()
    assert view.listening == (str(HERE),) and "localhost" in view.names
    assert all(each.isascii() and "*" not in each for each in view.names)
    await access.close()


def test_a_name_in_other_letters_gets_its_form_for_dns() -> None:
    assert local_names("Bücherregal.fritz.box") == ("xn--bcherregal-9db.local", "localhost")
    assert local_names("My_Node-1") == ("my_node-1.local", "localhost")
