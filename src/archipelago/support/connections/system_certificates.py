"""Leaves the certificates of the system unread while a library is imported that makes TLS contexts then."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def certificates_unread() -> Iterator[None]:
    """Have TLS contexts that are made within trust nobody. For imports, before there is a second thread."""
    read = ssl.SSLContext.set_default_verify_paths
    ssl.SSLContext.set_default_verify_paths = _read_none  # type: ignore[method-assign]
    try:
        yield
    finally:
        ssl.SSLContext.set_default_verify_paths = read  # type: ignore[method-assign]


def _read_none(self: ssl.SSLContext) -> None:
    pass
