"""What anybody gets from the node without a login, so that devices can trust it: certificate, profile and guide."""

import threading
from collections.abc import Collection
from ipaddress import IPv4Address

from archipelago.api.trust import PublicFile, TrustGuide
from archipelago.container.manifest.site_names import Doors
from archipelago.network.trust.apple_profile import apple_profile
from archipelago.network.trust.guide import DER_FILE, PEM_FILE, PLACE, PROBE, PROFILE_FILE, trust_steps
from archipelago.network.trust.trust_page import read_page_parts, trust_page
from archipelago.security.keys.certificates import Certificates
from archipelago.support.texts.translation import Language, read_translations


class TrustFiles:
    """Makes the guide and the files for the certificate that the authority has. Blocking; raises `NodeError`."""

    def __init__(self, certificates: Certificates, where: Doors) -> None:
        self._certificates = certificates
        self._where = where
        self._made: tuple[str, tuple[PublicFile, ...]] = ("", ())
        self._one_at_a_time = threading.Lock()

    @property
    def where(self) -> Doors:
        """Where browsers come in."""
        return self._where

    def guide(self, addresses: Collection[IPv4Address]) -> TrustGuide:
        """Return the guide for a node that listens on these addresses of the local network."""
        authority = self._certificates.authority()
        places = map(str, addresses)
        return TrustGuide(
            name=authority.name(),
            fingerprint=authority.fingerprint(),
            thumbprint=authority.thumbprint(),
            valid_until=authority.certificate.not_valid_after_utc,
            pages=tuple(_page(place, self._where.http_port) for place in places),
            https_port=self._where.https_port,
            devices=trust_steps(authority.name()),
        )

    def files(self) -> tuple[PublicFile, ...]:
        """Return the files; they stay the same as long as the certificate does."""
        with self._one_at_a_time:
            guide = self.guide(())
            if self._made[0] != guide.fingerprint:
                self._made = (guide.fingerprint, self._make(guide))
            return self._made[1]

    def _make(self, guide: TrustGuide) -> tuple[PublicFile, ...]:
        authority = self._certificates.authority()
        der, parts = authority.certificate_der(), read_page_parts()
        return (
            PublicFile(f"{PLACE}/{PEM_FILE}", "application/x-x509-ca-cert", authority.certificate_pem()),
            PublicFile(f"{PLACE}/{DER_FILE}", "application/pkix-cert", der),
            PublicFile(
                f"{PLACE}/{PROFILE_FILE}",
                "application/x-apple-aspen-config",
                apple_profile(guide.name, guide.fingerprint, der),
            ),
            PublicFile(PROBE, "text/plain; charset=utf-8", b"yes\n", by_https=True),
            *(trust_page(parts, guide, language, read_translations(language)) for language in Language),
        )


def _page(place: str, port: int) -> str:
    return f"http://{place}{'' if port == 80 else f':{port}'}{PLACE}"
