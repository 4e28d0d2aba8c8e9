"""Passwords in the addresses of proxies, which programs quote when they cannot use them. Pure."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote


def proxy_passwords(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the passwords in `HTTPS_PROXY` and its like, as they are written and as they are meant."""
    return frozenset(
        form for name, text in environment.items() if name.lower().endswith("_proxy") for form in _forms(text)
    )


def _forms(address: str) -> Iterator[str]:
    login, separator, _ = address.rpartition("@")
    password = login.rpartition("://")[2].partition(":")[2]
    if separator and password:
        yield from (password, unquote(password))
