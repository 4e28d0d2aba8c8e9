"""Keys of onion services and of their clients, against values that others computed."""

import base64
import hashlib
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from archipelago.network.onions.onion_keys import client_key, client_line, client_public, onion_name, service_key

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""Test 1 of RFC 8032, 7.1."""


def test_the_name_holds_the_public_key_of_the_seed() -> None:
    name = onion_name(SEED)
    raw = base64.b32decode(name.removesuffix(".onion").upper())
    assert len(raw) == 35 and raw[:32] == PUBLIC and raw[34] == 3
    assert raw[32:34] == hashlib.sha3_256(b".onion checksum" + PUBLIC + b"\x03").digest()[:2]


def test_tor_itself_finds_the_same_name_for_the_key(tmp_path: Path) -> None:
    service = tmp_path / "service"
    service.mkdir(mode=0o700)
    header = b"== ed25519v1-secret: type0 ==".ljust(32, b"\0")
    (service / "hs_ed25519_secret_key").write_bytes(header + base64.b64decode(service_key(SEED)))
    (tmp_path / "torrc").write_text(
        f"DataDirectory {tmp_path}\nSocksPort 0\nDisableNetwork 1\n"
        f"HiddenServiceDir {service}\nHiddenServicePort 80 unix:/x\n"
    )
    tor = subprocess.Popen(
        ["tor", "--defaults-torrc", "/nonexistent", "-f", str(tmp_path / "torrc"), "--Log", "notice stdout"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tor.stdout is not None
    try:
        for line in tor.stdout:
            if "Bootstrapped 0%" in line:
                break
        assert (service / "hostname").read_text().strip() == onion_name(SEED)
    finally:
        tor.kill()
        tor.wait()
        tor.stdout.close()


def test_a_client_shows_the_private_half_of_what_the_service_knows() -> None:
    private = base64.b32decode(client_key(SEED) + "====")
    public = base64.b32decode(client_public(SEED) + "====")
    other = X25519PrivateKey.generate()
    one_way = X25519PrivateKey.from_private_bytes(private).exchange(other.public_key())
    assert one_way == other.exchange(X25519PublicKey.from_public_bytes(public))
    assert client_line("abc.onion", SEED) == f"abc:descriptor:x25519:{client_key(SEED)}"
