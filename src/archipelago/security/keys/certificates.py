"""The node's certificate authority and the certificate that it shows on the local network.

The authority may vouch for private addresses and local names alone (name constraints), so whoever takes it into a
browser trusts it with nothing else. Its key is sealed under the node's key; that of the certificate is a file of mode
0600, as TLS libraries want it.

`tls_identity` is imported late: its library takes 1 MB, and a node that is not open to its network has no certificate.
"""

import ssl
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.tls_folder import TlsFolder
from archipelago.support.private_files import make_folder, read_key_file, reported, write_atomically
from archipelago.support.texts.text import msg

if TYPE_CHECKING:
    from archipelago.security.keys.tls_identity import TlsIdentity

_LONGEST_KEY_FILE = 65536


class Certificates:
    """Keeps the authority and the certificates in a folder. Blocking; raises `NodeError`."""

    def __init__(self, folder: Path, sealer: Sealer, host: str, now: Callable[[], datetime]) -> None:
        self._files = TlsFolder(folder)
        self._sealer = sealer
        self._host = host
        self._now = now
        # Two who find nothing at once would make halves of two.
        self._one_at_a_time = threading.RLock()
        self._sites: dict[str, TlsIdentity] = {}

    def authority(self) -> "TlsIdentity":
        """Return the authority: made the first time, certified again where its certificate does not fit the clock."""
        from archipelago.security.keys.tls_identity import (
            AUTHORITY_DAYS,
            AUTHORITY_RENEW_DAYS,
            load_identity,
            make_authority,
            renew_authority,
        )

        certificate, key = self._files.authority
        with self._one_at_a_time, reported(self._files.path):
            make_folder(self._files.path, 0o700)
            if not key.exists() or not certificate.exists():
                made = make_authority(self._host, self._now())
                # The key last: with it, both are there.
                write_atomically(certificate, made.certificate_pem())
                write_atomically(key, self._sealer.seal(made.key_pem().decode()))
            found, sealed = read_key_file(certificate, _LONGEST_KEY_FILE), key.read_bytes()
            try:
                known = load_identity(found, self._sealer.unseal(sealed).encode())
            except ValueError as error:
                raise NodeError(
                    ErrorCode.INTERNAL,
                    msg("the node's certificate authority cannot be read: {error}", error=error),
                    hint=msg(
                        "restore {certificate} and {key} from a backup; or move both away for a new "
                        "authority, which each browser has to be set to trust",
                        certificate=certificate,
                        key=key.name,
                    ),
                ) from error
            if known.is_timely(self._now(), AUTHORITY_DAYS, AUTHORITY_RENEW_DAYS):
                return known
            renewed = renew_authority(known, self._now())
            write_atomically(self._files.former, found)
            write_atomically(certificate, renewed.certificate_pem())
            return renewed

    def authority_dates(self) -> tuple[datetime, tuple[datetime, datetime] | None]:
        """Return since when the authority has its certificate, and the dates of the one before, if it had one."""
        from archipelago.security.keys.tls_identity import validity

        with self._one_at_a_time, reported(self._files.path):
            since = self.authority().certificate.not_valid_before_utc
            former = self._files.former
            if not former.exists():
                return since, None
            try:
                return since, validity(read_key_file(former, _LONGEST_KEY_FILE))
            except ValueError:
                return since, None  # nobody needs it but for its dates

    def load(self, context: ssl.SSLContext, names: Collection[str], addresses: Collection[IPv4Address]) -> None:
        """Have servers speak TLS as these names and addresses from their next connection on."""
        from archipelago.security.keys.tls_identity import issue

        certificate, key = self._files.node
        with self._one_at_a_time, reported(self._files.path):
            current = self._current(certificate, key)
            if current is None or not current.vouches_for(names, addresses, self._now()):
                current = issue(self.authority(), names, addresses, self._now())
                write_atomically(key, current.key_pem())
                write_atomically(certificate, current.certificate_pem())
            context.load_cert_chain(certificate, key)

    def sites(self, names: Collection[str]) -> Mapping[str, tuple[str, str]]:
        """Return a certificate with its key, as PEM, for each name or address alone: one says nothing of others.

        They are good for a few days, and on no disk.
        """
        from archipelago.security.keys.tls_identity import SITE_DAYS, issue

        with self._one_at_a_time:
            now = self._now()
            authority = self.authority()
            known = {
                name: found
                for name, found in self._sites.items()
                if name in names and found.is_fresh(now) and _issued_by(found, authority)
            }
            self._sites = {
                name: known.get(name) or issue(authority, *_named(name), now, SITE_DAYS) for name in sorted(names)
            }
            return {
                name: (found.certificate_pem().decode(), found.key_pem().decode())
                for name, found in self._sites.items()
            }

    def load_lasting(self, context: ssl.SSLContext) -> None:
        """Have servers show the certificate that clients keep, which stays the same whatever this host is called."""
        from archipelago.security.keys.tls_identity import self_signed

        certificate, key = self._files.lasting
        with self._one_at_a_time, reported(self._files.path):
            make_folder(self._files.path, 0o700)
            found = _pair(certificate, key)
            if found is None:
                found = self_signed(("archipelago.local",))
                write_atomically(key, found.key_pem())
                write_atomically(certificate, found.certificate_pem())
            context.load_cert_chain(certificate, key)

    def _current(self, certificate: Path, key: Path) -> "TlsIdentity | None":
        """Return what is there; None where nothing is that the authority vouches for."""
        found = _pair(certificate, key)
        if found is None:
            return None
        return found if _issued_by(found, self.authority()) else None


def _named(place: str) -> tuple[Collection[str], Collection[IPv4Address]]:
    """Return what a certificate names for a name or an address."""
    try:
        return (), (IPv4Address(place),)
    except AddressValueError:
        return (place,), ()


def _issued_by(found: "TlsIdentity", authority: "TlsIdentity") -> bool:
    try:
        found.certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # whatever is wrong with it: a new one costs nothing
        return False
    return True


def _pair(certificate: Path, key: Path) -> "TlsIdentity | None":
    """Return what is in two files; None where nothing is, or where a crash left halves of two."""
    from archipelago.security.keys.tls_identity import load_identity

    if not certificate.exists() or not key.exists():
        return None
    files = [read_key_file(path, _LONGEST_KEY_FILE) for path in (certificate, key)]
    try:
        found = load_identity(*files)
    except ValueError:
        return None
    return found if found.certificate.public_key() == found.key.public_key() else None
