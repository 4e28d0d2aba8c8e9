"""The password of a proxy, from the environment, is in no error, whatever the proxy's address is good for."""

from pathlib import Path

import pytest

from archipelago.container.images.downloads import DownloadFailure
from archipelago.container.images.python_packages.index import open_index
from archipelago.errors import NodeError
from archipelago.security.image_verifier.registry_client import RegistryClient
from archipelago.security.secrets.proxy_passwords import proxy_passwords
from archipelago.security.secrets.redactor import Redactor

PASSWORD = "s3cret-pass%21word"
ADDRESSES = [
    f"owner:{PASSWORD}@proxy:3128",
    f"http://owner:{PASSWORD}@127.0.0.1:1",
    f"http://owner:{PASSWORD}@127.0.0.1:99999",
    f"http://owner:{PASSWORD}@[::1",
    f"http://owner:{PASSWORD}@/",
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_what_cannot_be_reached_through_a_proxy_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(NodeError) as refused:
        await RegistryClient(tmp_path).manifest("registry.invalid", "a/b", "1")
    assert "s3cret" not in str(refused.value) and "object at" not in str(refused.value)
    with pytest.raises(DownloadFailure) as failed:
        async with open_index("https://index.invalid/simple") as index:
            await index.files("project", set())
    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_other_programs_say_of_a_proxy_is_redacted(address: str) -> None:
    redactor = Redactor()
    for each in proxy_passwords({"https_proxy": address, "HOME": "a:b@c"}):
        redactor.learn(each)
    for said in (f'invalid proxy address "{address}": parse', "cannot log in to the proxy as owner:s3cret-pass!word"):
        assert "s3cret" not in redactor.redact(said) and "***" in redactor.redact(said)


def test_a_proxy_without_a_password_has_none() -> None:
    addresses = ("http://proxy:3128", "http://owner@proxy", "proxy:3128", "", "http://owner:@proxy")
    assert proxy_passwords({f"{number}_proxy": each for number, each in enumerate(addresses)}) == frozenset()
