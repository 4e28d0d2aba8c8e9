"""Unbound as devices use it: names of the home, signed names, and forged ones, which it refuses."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import dns.dnssec
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from support.harness import APPS_AT, ROOT, TestNode, copy_apps, remove_leftovers, running_node
from support.used_apps import port, restart

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
USED = {"unbound": "answers for names of the home and for a signed zone, and refuses an answer of it that was forged"}

ZONE = """$ORIGIN signed.example.
@ 300 IN SOA ns hostmaster 1 3600 600 86400 300
@ 300 IN NS ns
ns 300 IN A 192.0.2.1
www 300 IN A 192.0.2.80
bank 300 IN A 192.0.2.90
"""
GENUINE, FORGED = "192.0.2.90", "192.0.2.66"
SETTINGS = """
server:
    trust-anchor: "{anchor}"
auth-zone:
    name: "signed.example"
    zonefile: "/etc/archipelago/signed.zone"
    for-downstream: no
    for-upstream: yes
    fallback-enabled: no
"""
"""What has Unbound take the zone for what the internet says, and check it."""


def signed_zone() -> tuple[str, str]:
    """Return a signed zone, in which one address was changed since, and its key as a trust anchor."""
    zone = dns.zone.from_text(ZONE, relativize=False)
    private = generate_private_key(SECP256R1())
    key = dns.dnssec.make_dnskey(private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    dns.dnssec.sign_zone(zone, keys=[(private, key)], lifetime=86400)
    return zone.to_text(relativize=False).replace(GENUINE, FORGED), f"signed.example. DNSKEY {key.to_text()}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with an Unbound that finds a zone of the internet in a file, since there is no internet."""
    remove_leftovers()
    apps = copy_apps(ROOT / "use-unbound.apps")
    folder = apps / "unbound"
    zone, anchor = signed_zone()
    (folder / "files/signed.zone.j2").write_text(zone)
    settings = folder / "files/unbound.conf.j2"
    settings.write_text(settings.read_text() + SETTINGS.format(anchor=anchor))
    manifest = folder / "manifest.yml"
    more = "    files:\n      - {path: /etc/archipelago/signed.zone, template: files/signed.zone.j2}\n"
    text = manifest.read_text()
    at = text.index("    files:\n      - {path: /etc/archipelago/unbound.conf")
    manifest.write_text(text[:at] + more + text[at + len("    files:\n") :])
    async with running_node("use-unbound", apps=apps) as running:
        await running.install("unbound", options={"names": "printer=192.168.1.20 nas=fd00::5"})
        await running.until("unbound", "healthy")
        yield running
    shutil.rmtree(apps)


async def ask(node: TestNode, name: str, kind: str = "A") -> dns.message.Message:
    """Ask as a device does that wants to know whether an answer was checked."""
    question = dns.message.make_query(name, kind, want_dnssec=True)
    where = await port(node, "unbound", "dns")
    return await asyncio.to_thread(dns.query.tcp, question, APPS_AT, timeout=30, port=where)


def addresses(answer: dns.message.Message) -> list[str]:
    kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
    return [each.to_text() for rrset in answer.answer if rrset.rdtype in kinds for each in rrset]


async def test_names_of_the_home_are_answered_and_others_there_do_not_exist(node: TestNode) -> None:
    assert addresses(await ask(node, "printer.home.arpa")) == ["192.168.1.20"]
    assert addresses(await ask(node, "nas.home.arpa", "AAAA")) == ["fd00::5"]
    assert (await ask(node, "camera.home.arpa")).rcode() == dns.rcode.NXDOMAIN
    await node.done(
        await node.call("container-config", app="unbound", options={"zone": "lan.example", "names": "a=10.0.0.1"})
    )
    await node.until("unbound", "healthy")
    assert addresses(await ask(node, "a.lan.example")) == ["10.0.0.1"]
    assert addresses(await ask(node, "printer.home.arpa")) == []


async def test_a_signed_answer_is_checked_and_a_forged_one_refused(node: TestNode) -> None:
    genuine = await ask(node, "www.signed.example")
    assert addresses(genuine) == ["192.0.2.80"] and genuine.flags & dns.flags.AD
    missing = await ask(node, "nothing.signed.example")
    assert missing.rcode() == dns.rcode.NXDOMAIN and missing.flags & dns.flags.AD
    forged = await ask(node, "bank.signed.example")
    assert (forged.rcode(), addresses(forged)) == (dns.rcode.SERVFAIL, [])


async def test_the_key_of_the_root_is_followed_and_stays(node: TestNode) -> None:
    key = ("/usr/bin/busybox", "cat", "/keys/root.key")
    before = await node.execute("unbound", *key)
    assert "DNSKEY" in before
    await restart(node, "unbound")
    assert "DNSKEY" in await node.execute("unbound", *key)
    assert addresses(await ask(node, "www.signed.example")) == ["192.0.2.80"]
