"""Whether the node is reachable from the local network, as it stands around a start."""

import asyncio
import ssl
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from archipelago.api.local_network import Outlook
from archipelago.api.system import Severity
from archipelago.container.desired.state import DesiredState
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.local_access import LocalAccess
from archipelago.network.route_keeper import RouteKeeper
from archipelago.network.tls import server_contexts
from archipelago.network.trust.trust_files import TrustFiles
from archipelago.performance.checks.network import local_network
from archipelago.security.keys.certificates import Certificates
from archipelago.support.broadcast import Signal
from archipelago.support.host_names import local_names
from support.sealed_keys import Sealed
from support.sites import DOORS, no_sites

HERE, THERE = IPv4Address("192.168.1.5"), IPv4Address("192.168.1.77")
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

    async def found_fact(self, key: str) -> str:
        return self.listen

    async def set_fact(self, key: str, value: str) -> None:
        self.listen = value


class Host:
    """Stands for the host: its name and its addresses, which a DHCP server changes."""

    def __init__(self, *addresses: IPv4Address, name: str = "island") -> None:
        self.name = name
        self.addresses = addresses
        self._changed: Callable[[], None] = lambda: None

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        self._changed = changed
        return lambda: None

    def move(self, *addresses: IPv4Address) -> None:
        """Get other addresses, and tell."""
        self.addresses = addresses
        self._changed()


def local_access(tmp_path: Path, kept: Kept, host: Host | None = None) -> LocalAccess:
    """Return the access of a node that has one address and a password, and that was told earlier where to listen."""
    host = host or Host(HERE)
    certificates = Certificates(tmp_path, Sealed(), host.name, now=lambda: datetime.now(UTC))
    return LocalAccess(
        kept,
        certificates,
        host.name,
        8480,
        own_addresses=lambda: host.addresses,
        has_password=lambda: True,
        routes=RouteKeeper((), DesiredState, Signal()),
        sites=no_sites(),
        trust=TrustFiles(certificates, DOORS),
        contexts=server_contexts("island"),
        watch=host.watch,
    )


async def until_listening(access: LocalAccess, *addresses: IPv4Address) -> None:
    """Return once the node listens on these addresses, which nobody outside is told of."""
    async with asyncio.timeout(10):
        while access.addresses != addresses:
            await asyncio.sleep(0.01)


async def front(
    addresses: Collection[IPv4Address], names: Collection[str], context: ssl.SSLContext
) -> dict[IPv4Address, NodeError]:
    """Stand for a server that listens wherever it is told to."""
    return {}


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
    async def taken(
        addresses: Collection[IPv4Address], names: Collection[str], context: ssl.SSLContext
    ) -> dict[IPv4Address, NodeError]:
        return {address: NodeError(ErrorCode.INVALID_VALUE, "the port is taken") for address in addresses}

    access = local_access(tmp_path, Kept(str(HERE)))
    with pytest.raises(NodeError, match="taken"):
        await access.open(taken)
    assert (await access.view()).listening == ()
    assert (await access.listen([])).listening == ()
    await access.close()


async def test_who_listens_on_the_local_network_follows_the_addresses_of_the_host(tmp_path: Path) -> None:
    kept, host = Kept(""), Host(HERE)
    access = local_access(tmp_path, kept, host)
    await access.open(front)
    await access.listen(["lan"])
    assert kept.listen == "lan" and access.addresses == (HERE,)
    host.move(THERE)
    await until_listening(access, THERE)
    view = await access.view()
    assert view.wanted == ("lan",) and view.addresses == (f"https://{THERE}:8480",) and view.problems == ()
    host.move()
    await until_listening(access)
    (finding,) = local_network(await access.outlook())
    assert finding.severity is Severity.WARNING and "this host has no address of a local network" in finding.what
    host.move(HERE, THERE)
    await until_listening(access, HERE, THERE)
    await access.close()
    late = local_access(tmp_path, kept, Host(THERE))
    await late.open(front)
    assert late.addresses == (THERE,), "the decision was kept, and not what it meant at the time"
    await late.close()


async def test_an_address_that_the_owner_named_stays_his_choice(tmp_path: Path) -> None:
    kept, host = Kept(str(HERE)), Host(HERE)
    access = local_access(tmp_path, kept, host)
    await access.open(front)
    host.move(THERE)
    await access.renew()
    assert access.addresses == (HERE,) and kept.listen == str(HERE)
    (finding,) = local_network(await access.outlook())
    assert finding.severity is Severity.WARNING and str(HERE) in finding.what
    assert finding.mend == "archipelago network listen lan"
    await access.close()


async def test_one_address_that_cannot_be_used_does_not_close_the_others(tmp_path: Path) -> None:
    async def half(
        addresses: Collection[IPv4Address], names: Collection[str], context: ssl.SSLContext
    ) -> dict[IPv4Address, NodeError]:
        return {HERE: NodeError(ErrorCode.PORT_TAKEN, "the port is taken")} if HERE in addresses else {}

    host = Host(THERE)
    access = local_access(tmp_path, Kept("lan"), host)
    await access.open(half)
    host.move(HERE, THERE)
    await access.renew()
    outlook = await access.outlook()
    assert outlook.listening == (THERE,) and outlook.problems == ("the port is taken",)
    assert [finding.what for finding in local_network(outlook)] == ["the port is taken"]
    await access.close()


async def test_nothing_is_said_of_a_node_that_stays_on_loopback(tmp_path: Path) -> None:
    access = local_access(tmp_path, Kept(""), Host())
    await access.open(front)
    assert tuple(local_network(await access.outlook())) == ()
    await access.close()


@pytest.mark.parametrize("name", ODD_HOSTNAMES)
async def test_a_host_of_any_name_can_be_reached(tmp_path: Path, name: str) -> None:
    access = local_access(tmp_path, Kept(str(HERE)), Host(HERE, name=name))
    await access.open(front)
    view = await access.view()
    assert view.listening == (str(HERE),) and "localhost" in view.names
    assert all(each.isascii() and "*" not in each for each in view.names)
    await access.close()


def test_a_name_in_other_letters_gets_its_form_for_dns() -> None:
    assert local_names("Bücherregal.fritz.box") == ("xn--bcherregal-9db.local", "localhost")
    assert local_names("My_Node-1") == ("my_node-1.local", "localhost")


def test_the_doctor_says_which_apps_browsers_do_not_find_also_where_nothing_but_loopback_is_wanted() -> None:
    (finding,) = local_network(Outlook((), (), (), (), sites=("127.0.0.1 port 8481: taken",)))
    assert (finding.check, finding.severity, finding.what) == ("sites", Severity.WARNING, "127.0.0.1 port 8481: taken")
    assert not list(local_network(Outlook((), (), (), ("nothing",))))


def test_the_doctor_says_what_is_not_reached_through_tor() -> None:
    (finding,) = local_network(Outlook((), (), (), (), onions=("tor does not run",)))
    assert (finding.check, finding.severity, finding.what) == ("onions", Severity.WARNING, "tor does not run")
    assert "archipelago install tor" in finding.mend
