"""Secrets at rest: encrypted, private, never lost, and clear errors that change nothing."""

import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.container.manifest.model.settings import SecretKind
from archipelago.container.workload.templates.renderer import FINGERPRINTS, Renderer
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import SecretsManager
from archipelago.security.secrets.secret import FINGERPRINT, Secret
from support.examples import examples


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "node.key"


@pytest.fixture
def manager(tmp_path: Path, key: Path) -> SecretsManager:
    return SecretsManager(tmp_path / "data" / "apps", key)


def again(manager: SecretsManager, tmp_path: Path, key: Path) -> SecretsManager:
    return SecretsManager(tmp_path / "data" / "apps", key)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_secret_is_made_once_and_found_again(manager: SecretsManager, tmp_path: Path, key: Path) -> None:
    made = manager.ensure("lnd", "seed", SecretKind.HEX, 32)
    other = again(manager, tmp_path, key)
    found = other.ensure("lnd", "seed", SecretKind.HEX, 32)
    assert len(made.reveal()) == 64
    assert (found, found.fingerprint) == (made, made.fingerprint)
    assert other.get("lnd", "seed") == made
    assert other.get("lnd", "nothing") is None
    assert manager.ensure("lnd", "other", SecretKind.HEX, 32) != made


def test_a_fingerprint_is_not_derived_from_the_value(manager: SecretsManager, tmp_path: Path, key: Path) -> None:
    first = manager.ensure("lnd", "seed", SecretKind.HEX, 32)
    path = tmp_path / "data" / "apps" / "lnd" / "secrets" / "seed.age"
    identity = pyrage.x25519.Identity.from_str(key.read_text().strip())
    payload = json.loads(pyrage.decrypt(path.read_bytes(), [identity]))
    assert payload["value"] == first.reveal() and payload["fingerprint"] == first.fingerprint
    assert "created" in payload


def test_nothing_lies_in_the_clear_and_nobody_else_can_look(manager: SecretsManager, tmp_path: Path, key: Path) -> None:
    before = os.umask(0)
    try:
        secret = manager.ensure("lnd", "seed", SecretKind.PASSWORD, 32)
    finally:
        os.umask(before)
    for content in tree(tmp_path).values():
        assert secret.reveal().encode() not in content
    secrets = tmp_path / "data" / "apps" / "lnd" / "secrets"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (secrets, secrets.parent, key)}
    assert set(modes.values()) == {0o700, 0o600}, modes
    assert modes[key] == stat.S_IMODE((secrets / "seed.age").stat().st_mode) == 0o600


_OWN_FORM = (SecretKind.KEYPAIR, SecretKind.AEZEED)


@given(kind=st.sampled_from([kind for kind in SecretKind if kind not in _OWN_FORM]), size=st.integers(16, 128))
@settings(max_examples=examples(20))  # each example waits for the disk
def test_every_kind_is_one_line_that_files_can_hold(
    tmp_path_factory: pytest.TempPathFactory, kind: SecretKind, size: int
) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    text = SecretsManager(folder / "s", folder / "k").ensure("a", "b", kind, size).reveal()
    assert text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    assert len(text) >= size


def test_an_aezeed_is_24_words_on_one_line_and_another_one_each_time(manager: SecretsManager) -> None:
    first, second = (manager.ensure("lnd", name, SecretKind.AEZEED, 32).reveal() for name in ("first", "second"))
    assert first != second and all(word.isascii() and word.isalpha() for word in first.split(" "))
    assert len(first.split(" ")) == 24


def test_a_keypair_is_a_key_of_which_templates_get_the_public_half(manager: SecretsManager) -> None:
    secret = manager.ensure("lnd", "ssh", SecretKind.KEYPAIR, 32)
    text = Renderer().file("t", "t", {"t": b"{{ key | public_key }}"}, {"key": secret.reveal()})
    public = load_pem_public_key(text)
    assert isinstance(public, Ed25519PublicKey) and b"PRIVATE" not in text
    private = load_pem_private_key(secret.reveal().encode(), None)
    assert isinstance(private, Ed25519PrivateKey) and private.public_key() == public
    hashed = Renderer().file("t", "t", {"t": b"{{ key | public_key }}"}, {"key": FINGERPRINTS.text(secret)})
    stand_in = load_pem_public_key(hashed)
    assert isinstance(stand_in, Ed25519PublicKey) and stand_in != public and FINGERPRINT.fullmatch(secret.fingerprint)
    rotated = Secret(secret.reveal(), "f" * 16)
    assert FINGERPRINTS.text(secret) == FINGERPRINTS.text(secret) != FINGERPRINTS.text(rotated)


def test_two_first_calls_at_once_make_one_key_and_one_secret(manager: SecretsManager) -> None:
    barrier = threading.Barrier(8)

    def ensure(number: int) -> str:
        barrier.wait()
        return manager.ensure(f"app{number % 4}", "seed", SecretKind.HEX, 32).reveal()

    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(ensure, range(8)))
    assert values[:4] == values[4:] and len(set(values)) == 4


def test_each_edge_has_a_login_of_its_own_which_goes_with_either_end(
    manager: SecretsManager, tmp_path: Path, key: Path
) -> None:
    for consumer in ("electrs", "lnd"):
        manager.ensure_edge("bitcoin", consumer, "bitcoin-rpc")
    login = manager.ensure_edge("bitcoin", "lnd", "bitcoin-rpc")
    assert login != manager.ensure_edge("bitcoin", "electrs", "bitcoin-rpc")
    manager.ensure("lnd", "seed", SecretKind.HEX, 32)
    manager.ensure("bitcoin", "probe", SecretKind.HEX, 32)
    manager.remove_app("lnd")
    manager.remove_app("lnd")
    assert manager.list("lnd") == ()
    assert manager.list("bitcoin") == ("edge.bitcoin-rpc.electrs", "probe")
    assert not (tmp_path / "data" / "apps" / "lnd" / "secrets").exists()
    assert manager.ensure_edge("bitcoin", "lnd", "bitcoin-rpc") != login


def test_removing_an_app_spares_one_whose_name_ends_alike(manager: SecretsManager) -> None:
    kept = manager.ensure_edge("bitcoin", "my-lnd", "bitcoin-rpc")
    manager.remove_app("lnd")
    assert manager.get("bitcoin", "edge.bitcoin-rpc.my-lnd") == kept


def break_mode(key: Path) -> None:
    key.chmod(0o640)


def break_content(key: Path) -> None:
    key.write_text("not a key")
    key.chmod(0o600)


def break_bytes(key: Path) -> None:
    key.write_bytes(b"\xff\xfe")


def exchange(key: Path) -> None:
    key.write_text(str(pyrage.x25519.Identity.generate()))


def take_away(key: Path) -> None:
    key.unlink()


def lead_astray(key: Path) -> None:
    key.rename(key.with_suffix(".real"))
    key.symlink_to(key.with_suffix(".real"))


def make_folder(key: Path) -> None:
    key.unlink()
    key.mkdir()


def make_pipe(key: Path) -> None:
    key.unlink()
    os.mkfifo(key, 0o600)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "damage",
    [break_mode, break_content, break_bytes, exchange, take_away, lead_astray, make_folder, make_pipe],
)
def test_a_wrong_key_file_is_a_clear_error_and_changes_nothing(
    manager: SecretsManager, tmp_path: Path, key: Path, damage: object
) -> None:
    secret = manager.ensure("lnd", "seed", SecretKind.HEX, 32)
    assert callable(damage)
    damage(key)
    before = tree(tmp_path / "data")
    other = again(manager, tmp_path, key)
    with pytest.raises(NodeError) as caught:
        other.ensure("lnd", "seed", SecretKind.HEX, 32)
    code = ErrorCode.LOCKED if damage is take_away else ErrorCode.INTERNAL
    assert caught.value.code is code and "node.key" in str(caught.value)
    assert secret.reveal() not in str(caught.value)
    assert tree(tmp_path / "data") == before


@pytest.mark.parametrize("junk", [b"", b"junk", b"age-encryption.org/v1\n"])
def test_a_damaged_secret_is_an_error_and_stays_as_it_is(
    manager: SecretsManager, tmp_path: Path, key: Path, junk: bytes
) -> None:
    manager.ensure("lnd", "seed", SecretKind.HEX, 32)
    path = tmp_path / "data" / "apps" / "lnd" / "secrets" / "seed.age"
    path.write_bytes(junk)
    with pytest.raises(NodeError, match=r"seed\.age"):
        again(manager, tmp_path, key).ensure("lnd", "seed", SecretKind.HEX, 32)
    assert path.read_bytes() == junk


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'{"value": 1, "fingerprint": "x"}', b'{"value": "the-value"', b"1"])
def test_a_payload_of_another_shape_is_an_error_that_quotes_nothing(
    manager: SecretsManager, tmp_path: Path, key: Path, payload: bytes
) -> None:
    manager.ensure("lnd", "seed", SecretKind.HEX, 32)
    recipient = pyrage.x25519.Identity.from_str(key.read_text().strip()).to_public()
    (tmp_path / "data" / "apps" / "lnd" / "secrets" / "seed.age").write_bytes(pyrage.encrypt(payload, [recipient]))
    with pytest.raises(NodeError) as caught:
        again(manager, tmp_path, key).get("lnd", "seed")
    assert "the-value" not in str(caught.value) and caught.value.__context__ is None


def test_a_leftover_of_a_crash_is_no_obstacle(manager: SecretsManager, tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "data" / "apps" / "lnd" / "secrets"
    folder.mkdir(parents=True)
    (folder / "seed.new").write_text("half")
    (folder / "seed.new").chmod(0o644)
    assert manager.ensure("lnd", "seed", SecretKind.HEX, 32).reveal()
    assert stat.S_IMODE((folder / "seed.age").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["seed.age"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".", "..", "a\0b"])
def test_a_name_cannot_lead_out_of_the_folder(manager: SecretsManager, tmp_path: Path, name: str) -> None:
    for app, secret in ((name, "seed"), ("lnd", name)):
        with pytest.raises(NodeError):
            manager.ensure(app, secret, SecretKind.HEX, 32)
    assert not tree(tmp_path)


def test_where_nothing_can_be_written_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    manager = SecretsManager(tmp_path / "file" / "secrets", tmp_path / "key")
    with pytest.raises(NodeError, match="file"):
        manager.ensure("lnd", "seed", SecretKind.HEX, 32)
