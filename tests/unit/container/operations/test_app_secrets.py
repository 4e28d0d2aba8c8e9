"""Values that owners give for secrets: each is set by the operation that it was given to, and by no other."""

import itertools
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.keys.key_files import private_pem
from archipelago.security.secrets.manager import SecretsManager
from support.app_records import record

MORE = "secrets: {key: {}}"


async def test_a_value_that_was_refused_is_not_the_one_that_another_operation_sets(tmp_path: Path) -> None:
    manager = SecretsManager(tmp_path / "secrets", tmp_path / "node.key")
    manager.key.state()
    secrets = AppSecrets(manager)
    app = record(tmp_path / "apps", "app", 0, "x", MORE)
    first = secrets.take(app, "key", "the first value")
    second = secrets.take(app, "key", "the second value")  # its operation is refused: the app is busy
    secrets.drop(second)
    await secrets.change(app, ["key"], ticket=first)
    assert await secrets.show(app, "key") == "the first value"
    for ticket in (first, second, ""):
        with pytest.raises(NodeError) as refused:
            await secrets.change(app, ["key"], ticket=ticket)
        assert refused.value.code is ErrorCode.CANCELLED
    assert await secrets.show(app, "key") == "the first value"


async def test_what_opens_a_wallet_is_never_replaced_nor_set(tmp_path: Path) -> None:
    manager = SecretsManager(tmp_path / "secrets", tmp_path / "node.key")
    manager.key.state()
    secrets = AppSecrets(manager)
    app = record(
        tmp_path / "apps", "app", 0, "x", "secrets: {seed: {kind: aezeed}, wallet: {permanent: true}, other: {}}"
    )
    for name, spec in app.package.manifest.secrets.items():
        manager.ensure("app", name, spec.kind, spec.bytes)
    for name in ("seed", "wallet"):
        for refused in (lambda each: secrets.take(app, each, "value"), lambda each: secrets.replaceable(app, each)):
            with pytest.raises(NodeError, match=f"'{name}' of app cannot be replaced") as error:
                if (asked := refused(name)) and not isinstance(asked, str):
                    await asked
            assert f"secret show app {name}" in error.value.hint
    assert {each.name for each in await secrets.list(app) if each.permanent} == {"seed", "wallet"}
    assert await secrets.replaceable(app, None) == ("other",)
    assert await secrets.replaceable(app, "other") == ("other",)


@pytest.mark.parametrize("value", ["two\nlines", "two\rlines", "nul\0", "line\u2028separator", "escape\x1b[2J"])
def test_a_value_is_one_line(tmp_path: Path, value: str) -> None:
    secrets = AppSecrets(SecretsManager(tmp_path / "secrets", tmp_path / "node.key"))
    with pytest.raises(NodeError, match="one line"):
        secrets.take(record(tmp_path / "apps", "app", 0, "x", MORE), "key", value)


KEY = Ed25519PrivateKey.generate()
PEM = private_pem(KEY)


@pytest.mark.parametrize("value", [PEM, PEM.rstrip("\n"), PEM.replace("\n", "\r\n")])
async def test_a_key_is_kept_byte_for_byte(tmp_path: Path, value: str) -> None:
    manager = SecretsManager(tmp_path / "secrets", tmp_path / "node.key")
    manager.key.state()
    secrets = AppSecrets(manager)
    app = record(tmp_path / "apps", "app", 0, "x", "secrets: {key: {kind: keypair}}")
    await secrets.change(app, ["key"], ticket=secrets.take(app, "key", value))
    assert await secrets.show(app, "key") == value


@pytest.mark.parametrize(
    "value",
    [
        "garbage",
        "one\ntwo",
        f"listen = 0.0.0.0\n{PEM}",
        f"{PEM}listen = 0.0.0.0\n",
        PEM.replace("\n", "\u2028"),
        PEM.replace("A", "\x1b[2J", 1),
        PEM[: len(PEM) // 2],
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
    ],
    ids=itertools.count(),
)
def test_what_is_no_key_is_no_keypair(tmp_path: Path, value: str) -> None:
    secrets = AppSecrets(SecretsManager(tmp_path / "secrets", tmp_path / "node.key"))
    app = record(tmp_path / "apps", "app", 0, "x", "secrets: {key: {kind: keypair}}")
    with pytest.raises(NodeError, match="'key' of app is a keypair") as refused:
        secrets.take(app, "key", value)
    assert "secret set app key --stdin" in refused.value.hint and value not in str(refused.value)
