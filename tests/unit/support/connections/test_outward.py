"""Where the node connects to on behalf of its owner."""

from ipaddress import ip_address

import pytest
from pydantic import TypeAdapter, ValidationError

from archipelago.api.notice_channels import EmailTarget, Url
from archipelago.support.connections.outward import ForbiddenAddress, may_connect, permitted

URL: TypeAdapter[str] = TypeAdapter(Url)
NEVER = (
    "0.0.0.0",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "100.100.100.200",
    "::",
    "fe80::1",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_always_refused(address: str) -> None:
    assert not may_connect(ip_address(address), loopback=True)
    with pytest.raises(ValidationError):
        URL.validate_python(f"https://[{address}]/" if ":" in address else f"https://{address}/")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_for_those_who_name_it(address: str) -> None:
    assert may_connect(ip_address(address), loopback=True) and not may_connect(ip_address(address), loopback=False)


@pytest.mark.parametrize("address", ["192.168.1.5", "10.0.0.1", "fd12::1", "9.9.9.9", "2620:fe::fe"])
def test_local_and_public_addresses_are_allowed(address: str) -> None:
    assert may_connect(ip_address(address), loopback=False)


async def test_who_names_loopback_gets_it() -> None:
    assert ip_address("127.0.0.1") in await permitted("localhost", 1)
    assert await permitted("127.0.0.1", 1) == (ip_address("127.0.0.1"),)
    with pytest.raises(ForbiddenAddress):
        await permitted("169.254.169.254", 80)


@pytest.mark.parametrize(
    "url",
    [
        "http://ntfy.sh/",
        "http://9.9.9.9/",
        "ftp://example.com/",
        "https://",
        "https://user:password@example.com/",
        "https://example.com/#fragment",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://[::1/",
        "https://ex%61mple.com/",
        f"https://{'a' * 64}.example.com/",
        "https://" + "a" * 2000,
        "javascript:alert(1)",
    ],
)
def test_urls_that_make_no_sense_or_travel_in_the_clear_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        URL.validate_python(url)


@pytest.mark.parametrize(
    "url", ["https://ntfy.sh", "https://example.com:8443/hook?a=b", "http://192.168.1.5:2586", "http://localhost:2586/"]
)
def test_urls_of_servers_are_taken(url: str) -> None:
    assert URL.validate_python(url) == url


@pytest.mark.parametrize(
    "address", ["", "owner", "a@b\r\nBcc: c@d", "a b@c.de", "a@b@c.de", "a@", "<a@b.de>", "a@b,c@d"]
)
def test_mail_goes_to_one_address(address: str) -> None:
    with pytest.raises(ValidationError):
        EmailTarget(kind="email", host="mail.example.com", sender="node@example.com", to=address)


@pytest.mark.parametrize("host", ["", "two words", "a" * 64, f"mail.{'a' * 64}.example", "a..b", "169.254.169.254"])
def test_mail_is_sent_by_no_host_that_cannot_be_one(host: str) -> None:
    with pytest.raises(ValidationError):
        EmailTarget(kind="email", host=host, sender="node@example.com", to="owner@example.com")
