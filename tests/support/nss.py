"""The certificates that Chromium trusts on Linux: a database of NSS in the home of its user, written by NSS itself."""

import ctypes
import ssl
from pathlib import Path

_TRUSTED_CA = 1 << 3 | 1 << 4
"""CERTDB_VALID_CA and CERTDB_TRUSTED_CA of certdb.h."""


class _Item(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_uint), ("data", ctypes.c_char_p), ("length", ctypes.c_uint))


class _Trust(ctypes.Structure):
    _fields_ = (("ssl", ctypes.c_uint), ("email", ctypes.c_uint), ("signing", ctypes.c_uint))


def trust_authority(home: Path, certificate: bytes) -> None:
    """Have a Chromium whose HOME is a folder trust an authority (PEM), and nothing else that this host does not."""
    for folder in (home / ".pki" / "nssdb", home / ".local" / "share" / "pki" / "nssdb"):
        folder.mkdir(parents=True)
        _add(folder, ssl.PEM_cert_to_DER_cert(certificate.decode()))


def _add(folder: Path, certificate: bytes) -> None:
    nss = ctypes.CDLL("libnss3.so")
    for name in ("PK11_GetInternalKeySlot", "CERT_NewTempCertificate", "CERT_GetDefaultCertDB"):
        getattr(nss, name).restype = ctypes.c_void_p
    _check(nss.NSS_InitReadWrite(f"sql:{folder}".encode()))
    slot, database = ctypes.c_void_p(nss.PK11_GetInternalKeySlot()), ctypes.c_void_p(nss.CERT_GetDefaultCertDB())
    if nss.PK11_NeedUserInit(slot):
        _check(nss.PK11_InitPin(slot, None, None))
    item = _Item(0, certificate, len(certificate))
    found = ctypes.c_void_p(nss.CERT_NewTempCertificate(database, ctypes.byref(item), None, 0, 1))
    _check(nss.PK11_ImportCert(slot, found, ctypes.c_ulong(0), b"the node under test", 0))
    _check(nss.CERT_ChangeCertTrust(database, found, ctypes.byref(_Trust(_TRUSTED_CA, 0, 0))))
    nss.CERT_DestroyCertificate(found)
    nss.PK11_FreeSlot(slot)
    _check(nss.NSS_Shutdown())


def _check(result: int) -> None:
    if result != 0:
        raise RuntimeError(f"NSS: error {ctypes.CDLL('libnspr4.so').PR_GetError()}")
