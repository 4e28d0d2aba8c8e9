"""Which names the node answers to by TLS, at each port beyond loopback but that of sites."""

import ssl
from pathlib import Path

import pytest

from archipelago.network.routes import Trust
from archipelago.network.tls import server_contexts
from archipelago.security.keys.tls_identity import self_signed

_ROUNDS = 4
"""In which both sides have said all of a handshake."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    identity = self_signed(("island.local",))
    path.write_bytes(identity.certificate_pem() + identity.key_pem())
    return path


def answers(context: ssl.SSLContext, name: str | None) -> bool:
    """Return whether a handshake comes about with who calls a name, or none."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = anybody.wrap_bio(down, up, server_hostname=name)
    server = context.wrap_bio(up, down, server_side=True)
    done = set()
    for _ in range(_ROUNDS):
        for side in (client, server):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                assert "UNRECOGNIZED_NAME" in str(error) or side is server
                return False
    return done == {client, server}


@pytest.mark.parametrize("trust", Trust)
def test_no_name_of_a_site_is_answered_to_and_all_others_are(certificate: Path, trust: Trust) -> None:
    context = server_contexts("island")[trust]
    context.load_cert_chain(certificate)
    for name in ("island.local", None, "localhost", "island.fritz.box", "other-peninsula.local", "archipelago.local"):
        assert answers(context, name), name
    for name in ("vault-island.local", "VAULT-Island.Local", "vault--api-island.local", "a-b-island.local"):
        assert not answers(context, name), name
    nameless = server_contexts("")[trust]
    nameless.load_cert_chain(certificate)
    assert answers(nameless, "vault-island.local"), "a host without a name has no sites there"
