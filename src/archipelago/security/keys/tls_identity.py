"""Certificates with their keys (RFC 5280): made, certified again and read. Values; nothing here is kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from archipelago.support.host_names import title
from archipelago.support.local_networks import LOCAL_SUFFIXES, PRIVATE_NETWORKS

AUTHORITY_DAYS = 3650
LEAF_DAYS = 365
"""Browsers take no certificate that is good for longer than 398 days."""
RENEW_DAYS = 60
AUTHORITY_RENEW_DAYS = 365
"""How long before the end of the authority's certificate the next one is made: each device has to get it by then."""
SITE_DAYS = 7
"""Of certificates that nobody but the node's own web server keeps: they are issued as often as needed."""
_RENEW_SITE_DAYS = 3
_LASTING = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC))
"""From when until when wallets take the certificate that they keep: the last date that is written with two digits of
the year (RFC 5280, 4.1.2.5), as all of them read it."""
_BACKDATED = timedelta(hours=1)
"""Other machines' clocks may be behind ours."""


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def certificate_pem(self) -> bytes:
        """Return the certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def certificate_der(self) -> bytes:
        """Return the certificate as DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def name(self) -> str:
        """Return what devices call it."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    def key_pem(self) -> bytes:
        """Return the key as PEM, in the clear."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def vouches_for(self, names: Collection[str], addresses: Collection[IPv4Address], now: datetime) -> bool:
        """Return whether it is good for exactly these, and for a while yet."""
        found = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        same = set(found.get_values_for_type(x509.DNSName)) == set(names)
        same &= set(found.get_values_for_type(x509.IPAddress)) == set(addresses)
        return same and self.is_timely(now, LEAF_DAYS)

    def is_fresh(self, now: datetime) -> bool:
        """Return whether a certificate of a site is valid, and for a while yet."""
        return self.is_timely(now, SITE_DAYS, _RENEW_SITE_DAYS)

    def is_timely(self, now: datetime, days: int, left_days: int = RENEW_DAYS) -> bool:
        """Return whether it is valid, for a while yet, and was made for `days` from a clock that agrees with `now`.

        A clock that was ahead made what is not valid yet, and one that was behind what ended long ago.
        """
        left = self.certificate.not_valid_after_utc - now
        return timedelta(days=left_days) < left <= timedelta(days=days) + _BACKDATED

    def fingerprint(self) -> str:
        """Return the SHA-256 of the certificate as browsers show it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def thumbprint(self) -> str:
        """Return the SHA-1 of the certificate, which Windows shows."""
        return self.certificate.fingerprint(hashes.SHA1()).hex(":").upper()  # noqa: S303  # nothing is secured by it


def make_authority(host: str, now: datetime) -> TlsIdentity:
    """Make a certificate authority; `host` tells it from that of another node."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Archipelago on {title(host)}")])
    return _certify(subject, key, now)


def renew_authority(authority: TlsIdentity, now: datetime) -> TlsIdentity:
    """Certify the same authority again, from now on.

    Name and key stay, so a device that trusts the earlier certificate takes whatever is issued under this one for as
    long as the earlier one is valid by the clock of that device (RFC 5280, 6.1: a trust anchor is a name and a key).
    """
    return _certify(authority.certificate.subject, authority.key, now)


def _certify(subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime) -> TlsIdentity:
    permitted: list[x509.GeneralName] = [x509.IPAddress(network) for network in PRIVATE_NETWORKS]
    permitted += [x509.DNSName(suffix) for suffix in LOCAL_SUFFIXES]
    certificate = (
        _builder(subject, subject, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return TlsIdentity(certificate, key)


def issue(
    authority: TlsIdentity,
    names: Collection[str],
    addresses: Collection[IPv4Address],
    now: datetime,
    days: int = LEAF_DAYS,
) -> TlsIdentity:
    """Make a server's certificate for local names and private addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    general: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(names)]
    general += [x509.IPAddress(address) for address in sorted(addresses)]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Archipelago")])
    certificate = (
        _builder(subject, authority.certificate.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return TlsIdentity(certificate, key)


def self_signed(names: Collection[str]) -> TlsIdentity:
    """Make a certificate that vouches for itself, for clients that keep the one that they saw first.

    It knows no address, and its dates come from no clock: a wallet that has kept it would refuse another one, and one
    that a clock which was wrong has dated.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Archipelago")])
    general = [x509.DNSName(name) for name in sorted(names)]
    certificate = (
        _undated(subject, subject, key)
        .not_valid_before(_LASTING[0])
        .not_valid_after(_LASTING[1])
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
        .sign(key, hashes.SHA256())
    )
    return TlsIdentity(certificate, key)


def load_identity(certificate: bytes, key: bytes) -> TlsIdentity:
    """Return what is in two PEM texts. Raises `ValueError`."""
    loaded = serialization.load_pem_private_key(key, None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key of an elliptic curve")
    return TlsIdentity(x509.load_pem_x509_certificate(certificate), loaded)


def validity(certificate: bytes) -> tuple[datetime, datetime]:
    """Return from when until when a certificate (PEM) is valid. Raises `ValueError`."""
    found = x509.load_pem_x509_certificate(certificate)
    return found.not_valid_before_utc, found.not_valid_after_utc


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    dated = _undated(subject, issuer, key).not_valid_before(now - _BACKDATED)
    return dated.not_valid_after(now + timedelta(days=days))


def _undated(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
