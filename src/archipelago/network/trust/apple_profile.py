"""A configuration profile by which Apple's devices install a certificate. Pure.

Format: https://developer.apple.com/documentation/devicemanagement/certificateroot
"""

from uuid import UUID, uuid5

_NAMES = UUID("6f1c3f5e-5a0e-4c0b-9a55-0c7f3e0a9d11")
"""Ids are made of this and the certificate's fingerprint: the same certificate replaces itself on a device."""


def apple_profile(name: str, fingerprint: str, certificate: bytes) -> bytes:
    """Return the profile, as XML, for a certificate of an authority in DER.

    It is not signed: a device that does not know the authority yet could not check a signature by it.
    """
    # It loads a parser of XML, and few owners ask for a profile.
    import plistlib

    whole, root = (str(uuid5(_NAMES, f"{what} {fingerprint}")).upper() for what in ("profile", "root"))
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"io.archipelago.authority.{root}",
        "PayloadUUID": root,
        "PayloadDisplayName": name,
        "PayloadCertificateFileName": "archipelago-ca.cer",
        "PayloadContent": certificate,
    }
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"io.archipelago.authority.{whole}",
            "PayloadUUID": whole,
            "PayloadDisplayName": name,
            "PayloadDescription": f"Certificate authority of your own node. SHA-256: {fingerprint}",
            "PayloadContent": [payload],
        }
    )
