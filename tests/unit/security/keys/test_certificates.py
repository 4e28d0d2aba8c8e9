"""The node's certificate authority and its certificates, checked by OpenSSL through Python's ssl."""

import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509

from archipelago.errors import NodeError
from archipelago.network.addresses import choose
from archipelago.security.keys.certificates import Certificates
from archipelago.security.keys.tls_identity import LEAF_DAYS, TlsIdentity, issue, load_identity, make_authority
from archipelago.support.local_networks import may_listen_on
from support.sealed_keys import NOW, Sealed

NAMES, ADDRESS = ("island.local", "localhost"), IPv4Address("192.168.1.5")


def pinned_as_wallets_do(folder: Path) -> str:
    """Return what an Electrum wallet has against the certificate of a folder, once kept; empty where all is well."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(folder / "lasting.crt", folder / "lasting.key")
    client_context = ssl.create_default_context(cafile=str(folder / "lasting.crt"))
    client_context.check_hostname = False
    # As Python had it until 3.13, and wallets that come with it: a pinned certificate must be its own issuer.
    client_context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
    return handshake(server_context, client_context, None)


def trusted_as(tmp_path: Path, leaf: TlsIdentity, authority: TlsIdentity, name: str) -> str:
    """Return what a client says that trusts the authority and calls the server by a name; empty where all is well."""
    (tmp_path / "pair.pem").write_bytes(leaf.key_pem() + leaf.certificate_pem())
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(tmp_path / "pair.pem")
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.load_verify_locations(cadata=authority.certificate_pem().decode())
    return handshake(server_context, client_context, name)


def handshake(server_context: ssl.SSLContext, client_context: ssl.SSLContext, name: str | None) -> str:
    """Return what the client has against the server; empty where they come to speak."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(up, down, server_side=True)
    client = client_context.wrap_bio(down, up, server_hostname=name)
    for _ in range(4):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
    assert client.version() is not None
    return ""


def test_a_client_that_trusts_the_authority_reaches_the_node_by_its_names(tmp_path: Path) -> None:
    authority = make_authority("island", NOW)
    leaf = issue(authority, NAMES, [ADDRESS], NOW)
    for name in ("192.168.1.5", "island.local", "localhost"):
        assert trusted_as(tmp_path, leaf, authority, name) == ""
    assert "mismatch" in trusted_as(tmp_path, leaf, authority, "192.168.1.6")
    assert trusted_as(tmp_path, leaf, make_authority("island", NOW), "localhost") != ""


@pytest.mark.parametrize(("names", "addresses"), [(["bank.example"], []), ([], [IPv4Address("198.51.100.7")])])
def test_the_authority_cannot_vouch_for_the_world(
    tmp_path: Path, names: list[str], addresses: list[IPv4Address]
) -> None:
    authority = make_authority("island", NOW)
    stolen = issue(authority, names, addresses, NOW)
    assert "permitted subtree" in trusted_as(tmp_path, stolen, authority, *names, *map(str, addresses))


def test_keys_are_kept_from_others_and_the_authority_lasts(tmp_path: Path) -> None:
    kept = Certificates(tmp_path / "tls", Sealed(), "island", lambda: NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    kept.load(context, NAMES, [ADDRESS])
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "tls").iterdir())
    assert b"PRIVATE KEY" not in (tmp_path / "tls" / "authority.key.age").read_bytes()
    leaf = (tmp_path / "tls" / "node.crt").read_bytes()
    kept.load(context, NAMES, [ADDRESS])
    assert (tmp_path / "tls" / "node.crt").read_bytes() == leaf
    kept.load(context, NAMES, [IPv4Address("10.0.0.1")])
    assert (tmp_path / "tls" / "node.crt").read_bytes() != leaf
    later = Certificates(tmp_path / "tls", Sealed(), "island", lambda: NOW + timedelta(days=LEAF_DAYS - 30))
    leaf = (tmp_path / "tls" / "node.crt").read_bytes()
    later.load(context, NAMES, [IPv4Address("10.0.0.1")])
    assert (tmp_path / "tls" / "node.crt").read_bytes() != leaf
    assert later.authority().certificate == kept.authority().certificate


def test_halves_of_a_crash_are_made_anew(tmp_path: Path) -> None:
    kept = Certificates(tmp_path / "tls", Sealed(), "island", lambda: NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    kept.load(context, NAMES, [ADDRESS])
    other = issue(kept.authority(), NAMES, [ADDRESS], NOW)
    for file, content in (("node.key", other.key_pem()), ("node.crt", b"junk"), ("node.key", b"junk")):
        (tmp_path / "tls" / file).write_bytes(content)
        kept.load(context, NAMES, [ADDRESS])
    loaded = x509.load_pem_x509_certificate((tmp_path / "tls" / "node.crt").read_bytes())
    loaded.verify_directly_issued_by(kept.authority().certificate)


def test_only_private_addresses_of_this_host_are_listened_on() -> None:
    own = (ADDRESS, IPv4Address("198.51.100.1"), IPv4Address("100.64.0.9"))
    assert choose(["lan"], own) == (IPv4Address("100.64.0.9"), ADDRESS)
    assert choose(["192.168.1.5", "192.168.1.5"], own) == (ADDRESS,)
    assert choose([], own) == ()
    for wrong in ("198.51.100.1", "127.0.0.1", "0.0.0.0", "192.168.1.6", "", "lan ", "192.168.1.5/24", "::1"):
        with pytest.raises(NodeError):
            choose([wrong], own)
    with pytest.raises(NodeError):
        choose(["lan"], [])
    assert not may_listen_on(IPv4Address("127.0.0.1")) and not may_listen_on(IPv4Address("8.8.8.8"))


def test_there_is_one_authority_though_many_ask_for_it_at_once(tmp_path: Path) -> None:
    kept = Certificates(tmp_path / "tls", Sealed(), "island", lambda: NOW)
    with ThreadPoolExecutor(8) as askers:
        found = list(askers.map(lambda _: kept.authority(), range(8)))
    assert {each.fingerprint() for each in found} == {kept.authority().fingerprint()}
    assert all(each.certificate.public_key() == each.key.public_key() for each in found)


def test_a_wallet_that_keeps_the_certificate_it_saw_first_finds_it_again(tmp_path: Path) -> None:
    kept = Certificates(tmp_path, Sealed(), "island", now=lambda: NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    kept.load_lasting(context)
    first = (tmp_path / "lasting.crt").read_bytes()
    assert pinned_as_wallets_do(tmp_path) == ""
    assert stat.S_IMODE((tmp_path / "lasting.key").stat().st_mode) == 0o600
    kept.load(context, ("other.local",), [ADDRESS])
    for off in (3000, -50 * 365, 20 * 365):
        Certificates(tmp_path, Sealed(), "renamed", now=lambda off=off: NOW + timedelta(days=off)).load_lasting(context)
    assert (tmp_path / "lasting.crt").read_bytes() == first, "neither another name nor another address makes a new one"
    dates = x509.load_pem_x509_certificate(first)
    assert dates.not_valid_before_utc.year == 2020 and dates.not_valid_after_utc.year == 2049
    (tmp_path / "lasting.crt").write_bytes(b"")
    kept.load_lasting(context)
    assert pinned_as_wallets_do(tmp_path) == ""


@pytest.mark.parametrize("off", [timedelta(days=20 * 365), timedelta(hours=8), -timedelta(days=50 * 365)])
def test_what_a_clock_that_was_wrong_has_made_is_made_again_and_devices_go_on_trusting(
    tmp_path: Path, off: timedelta
) -> None:
    """A machine without a battery begins in 1970; one whose clock was far ahead made what is not valid yet."""
    clock = [NOW + off]
    kept = Certificates(tmp_path / "tls", Sealed(), "island", lambda: clock[0])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    kept.load(context, NAMES, [ADDRESS])
    first = kept.authority()
    clock[0] = NOW
    kept.load(context, NAMES, [ADDRESS])
    leaf, now = x509.load_pem_x509_certificate((tmp_path / "tls" / "node.crt").read_bytes()), kept.authority()
    for each in (leaf, now.certificate):
        assert each.not_valid_before_utc <= NOW < each.not_valid_after_utc - timedelta(days=60)
    assert now.certificate.subject == first.certificate.subject
    assert now.certificate.public_key() == first.certificate.public_key()
    current = issue(now, NAMES, [ADDRESS], NOW)
    assert trusted_as(tmp_path, current, now, "island.local") == ""

    # What a device was given before the clock went wrong for a while is trusted all the same.
    given, clock[0] = kept.authority(), NOW + off
    kept.load(context, NAMES, [ADDRESS])
    clock[0] = NOW
    kept.load(context, NAMES, [ADDRESS])
    again = issue(kept.authority(), NAMES, [ADDRESS], NOW)
    assert trusted_as(tmp_path, again, given, "island.local") == ""


def test_each_site_has_a_certificate_of_its_own_that_is_made_again_in_time(tmp_path: Path) -> None:
    clock = [NOW]
    kept = Certificates(tmp_path / "tls", Sealed(), "island", lambda: clock[0])
    names = {"mempool.localhost", "mempool-island.local", "localhost"}
    first = kept.sites(names)
    for name, (certificate, key) in first.items():
        leaf = load_identity(certificate.encode(), key.encode())
        assert trusted_as(tmp_path, leaf, kept.authority(), name) == ""
        assert trusted_as(tmp_path, leaf, kept.authority(), "node.local") != "", "it says nothing of another name"
    assert kept.sites(names) == first
    assert kept.sites({"localhost"}) == {"localhost": first["localhost"]}
    assert not list((tmp_path / "tls").glob("*site*")), "keys of sites are on no disk"
    for days in (5, 300, -3000, 4000):
        clock[0] = NOW + timedelta(days=days)
        for certificate, _ in kept.sites(names).values():
            leaf_dates = x509.load_pem_x509_certificate(certificate.encode())
            assert leaf_dates.not_valid_before_utc <= clock[0] < leaf_dates.not_valid_after_utc - timedelta(days=3)


def test_no_site_outside_of_the_node_is_vouched_for(tmp_path: Path) -> None:
    kept = Certificates(tmp_path / "tls", Sealed(), "island", lambda: NOW)
    for name, (certificate, key) in kept.sites({"example.com", "localhost.example.com", "com"}).items():
        leaf = load_identity(certificate.encode(), key.encode())
        assert trusted_as(tmp_path, leaf, kept.authority(), name) == "permitted subtree violation"
