"""What the node finds when it calls its own doors: real servers of TLS with real faults."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from archipelago.api.local_network import ALL, AuthorityDates, DoorState, NameConflict, NetworkLook, Outlook
from archipelago.api.system import Severity
from archipelago.network.self_look import Knock, call_doors
from archipelago.performance.checks.names import names_and_certificates
from archipelago.performance.checks.network import local_network
from archipelago.security.keys.certificates import Certificates
from archipelago.security.keys.tls_identity import TlsIdentity, issue, make_authority
from archipelago.support.texts.text import msg
from support.harness import free_port
from support.sealed_keys import Sealed

HERE, NOW = IPv4Address("127.0.0.1"), datetime.now(UTC)
YEAR = timedelta(days=365)


@asynccontextmanager
async def door(folder: Path, leaf: TlsIdentity) -> AsyncIterator[int]:
    """Serve TLS with a certificate; gives the port."""
    (folder / "pair.pem").write_bytes(leaf.key_pem() + leaf.certificate_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pair.pem")
    server = await asyncio.start_server(lambda _, writer: writer.close(), str(HERE), 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("issued", "name", "foreign", "state", "said"),
    [
        (NOW, "island.local", False, DoorState.WELL, ""),
        (NOW, str(HERE), False, DoorState.WELL, ""),
        (NOW - timedelta(days=30), "island.local", False, DoorState.EXPIRED, "has ended"),
        (NOW + timedelta(days=30), "island.local", False, DoorState.NOT_YET, "is not valid yet"),
        (NOW, "island.local", True, DoorState.FOREIGN, "has no certificate of this node"),
        (NOW, "other.local", False, DoorState.MISNAMED, "is for another name"),
    ],
)
async def test_a_certificate_is_found_to_be_what_it_is(
    tmp_path: Path, issued: datetime, name: str, foreign: bool, state: DoorState, said: str
) -> None:
    authority = make_authority("island", NOW - YEAR)
    issuer = make_authority("island", NOW - YEAR) if foreign else authority
    leaf = issue(issuer, ["island.local"], [HERE], issued, days=7)
    async with door(tmp_path, leaf) as port:
        (report,) = await call_doors([Knock(HERE, port, name)], authority.certificate_pem().decode())
    assert (report.state, report.port, report.name) == (state, port, name)
    found = list(names_and_certificates(outlook(NetworkLook(doors=(report,))), NOW))
    assert [finding.check for finding in found] == (["certificates"] if said else []) + ["firewall"]
    assert said in found[0].what and all(finding.mend for finding in found)


async def test_a_door_at_which_nobody_answers_is_found() -> None:
    authority = make_authority("island", NOW).certificate_pem().decode()
    (report,) = await call_doors([Knock(HERE, free_port(), str(HERE))], authority)
    assert report.state is DoorState.SILENT and "refused" in report.detail


def test_whoever_trusted_the_certificate_before_is_told_until_when(tmp_path: Path) -> None:
    made = NOW - timedelta(days=3650 - 300)
    clock = [made]
    kept = Certificates(tmp_path, Sealed(), "island", lambda: clock[0])
    first = kept.authority()
    assert (
        list(names_and_certificates(outlook(NetworkLook(authority=AuthorityDates(*kept.authority_dates()))), clock[0]))
        == FIREWALL
    )
    clock[0] = NOW
    assert kept.authority().certificate != first.certificate, "it is made again a year before its end"
    end = first.certificate.not_valid_after_utc
    for days, said in ((0, "ends on"), (299, "ends on"), (301, "ended on"), (700, None)):
        clock[0] = NOW + timedelta(days=days)
        found = [
            each.what
            for each in names_and_certificates(
                outlook(NetworkLook(authority=AuthorityDates(*kept.authority_dates()))), clock[0]
            )
        ]
        expected = f"{said} {end.date().isoformat()}"
        assert [each for each in found[:-1] if expected in each] == found[:-1] and len(found) == (2 if said else 1)


def test_a_clock_that_was_ahead_when_the_certificate_was_made_is_found(tmp_path: Path) -> None:
    clock = [NOW + 3 * YEAR]
    kept = Certificates(tmp_path, Sealed(), "island", lambda: clock[0])
    kept.authority()
    clock[0] = NOW
    kept.authority()
    found, _ = names_and_certificates(outlook(NetworkLook(authority=AuthorityDates(*kept.authority_dates()))), NOW)
    assert found.check == "authority" and "was ahead" in found.what and "network trust" in found.mend


def test_a_name_of_another_machine_is_not_mended_like_a_port(tmp_path: Path) -> None:
    taken = NameConflict.of(msg("{name} is the name of another machine, {address}", name="a.local", address="10.0.0.1"))
    port = msg("{address} port {port}: {why}", address="10.0.0.2", port="8443", why="taken")
    named, busy = local_network(Outlook((ALL,), (HERE,), (HERE,), (), (taken, port)))
    assert "hostnamectl" in named.mend and "ss -ltnp" in busy.mend and named.what == str(taken)
    assert named.severity is Severity.WARNING


def outlook(look: NetworkLook) -> Outlook:
    """Return how it stands with a node that listens on one address."""
    return Outlook((ALL,), (HERE,), (HERE,), (), (), look)


FIREWALL = list(names_and_certificates(outlook(NetworkLook()), NOW))
