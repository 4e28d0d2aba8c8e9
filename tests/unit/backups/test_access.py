"""How restic reaches targets, and the password that the words bring back."""

import hmac
from pathlib import Path

from mnemonic import Mnemonic

from archipelago.api.backups import RestTarget, S3Target
from archipelago.backups.password import repository_password
from archipelago.backups.restic.access import access
from archipelago.security.keys.node_key import NodeKey


def test_secrets_are_in_no_text_of_a_target() -> None:
    rest = access(RestTarget(kind="rest", url="https://example.com/x", user="me"), "hush/hush")
    assert rest.repository == "rest:https://me:hush%2Fhush@example.com/x"
    s3 = access(S3Target(kind="s3", url="https://example.com/bucket", access_key="key"), "hush")
    assert "hush" not in f"{rest!r}{s3!r}"


def test_the_words_bring_the_password_back(tmp_path: Path) -> None:
    first = NodeKey(tmp_path / "a/node.key", lambda _: None)
    words, password = first.phrase(None), repository_password(first)
    second = NodeKey(tmp_path / "b/node.key", lambda _: None)
    second.restore(words)
    assert repository_password(second) == password
    assert second.derive("something else") != password
    # As docs/backups.md says, for whoever has the words and restic alone.
    entropy = bytes(Mnemonic("english").to_entropy(words))
    assert hmac.digest(entropy, b"archipelago backups 1\x01", "sha256").hex() == password
