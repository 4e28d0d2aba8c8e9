"""TLS contexts that are made without the certificates of the system."""

import ssl
from pathlib import Path

import pytest

from archipelago.security.keys.tls_identity import make_authority
from archipelago.support.connections.system_certificates import certificates_unread
from support.sealed_keys import NOW


def test_a_context_that_is_made_meanwhile_trusts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "authorities.pem").write_bytes(make_authority("island", NOW).certificate_pem())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    with certificates_unread():
        context = ssl.create_default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == 0
    assert ssl.create_default_context().cert_store_stats()["x509_ca"] == 1
