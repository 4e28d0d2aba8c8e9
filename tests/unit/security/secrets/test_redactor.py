"""Secrets are taken out of texts, however they are written; nothing else is."""

import base64
import secrets
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.security.secrets.redactor import HIDDEN, Redactor

words = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789_-", min_size=16, max_size=64)
texts = st.text(max_size=60)


@given(words, texts, texts)
def test_a_secret_in_any_shape_is_hidden(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    for shape in (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode()):
        found = redactor.redact(before + shape + after)
        assert secret not in found and shape.rstrip("=") not in found and HIDDEN in found


@given(st.lists(words, max_size=5), texts)
def test_what_is_no_secret_stays(secrets: list[str], text: str) -> None:
    redactor = Redactor()
    for secret in secrets:
        redactor.learn(secret)
    if not any(secret[:8] in text for secret in secrets):
        assert redactor.redact(text) == text


def test_a_secret_that_is_written_over_and_over_is_hidden_each_time() -> None:
    redactor = Redactor()
    redactor.learn("0123456789abcdef")
    assert redactor.redact("0123456789abcdef" * 5000) == HIDDEN * 5000


def test_what_an_owner_typed_is_hidden_and_short_words_are_not() -> None:
    redactor = Redactor()
    for value in ("correct horse, battery", "short", "pässwörter"):
        redactor.learn(value)
    assert redactor.redact("it is correct horse, battery; short; pässwörter!") == f"it is {HIDDEN}; short; {HIDDEN}!"


def test_a_key_is_hidden_line_by_line_and_its_frame_is_not() -> None:
    redactor = Redactor()
    redactor.learn("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n-----END PRIVATE KEY-----\n")
    found = redactor.redact("-----BEGIN PRIVATE KEY----- MC4CAQAwBQYDK2VwBCIEIJ")
    assert found == f"-----BEGIN PRIVATE KEY----- {HIDDEN}"


def test_two_secrets_that_begin_alike_and_one_beside_the_other() -> None:
    redactor = Redactor()
    first, second = "aaaaaaaabbbbbbbb", "aaaaaaaacccccccc"
    redactor.learn(first)
    redactor.learn(second)
    assert redactor.redact(f"a{first}{second} x={second}") == f"a{HIDDEN}{HIDDEN} x={HIDDEN}"


def test_what_is_forgotten_is_no_longer_hidden_and_the_rest_is() -> None:
    redactor = Redactor()
    first, second = "aaaaaaaabbbbbbbb", "aaaaaaaacccccccc"
    for value in (first, second, second, "correct horse, battery"):
        redactor.learn(value)
    redactor.forget(first)
    redactor.forget("correct horse, battery")
    redactor.forget("never learned")
    text = f"{first} {second} correct horse, battery"
    assert redactor.redact(text) == f"{first} {HIDDEN} correct horse, battery"
    redactor.forget(second)
    assert redactor.redact(text) == text


def test_however_many_secrets_there_are_a_line_is_compared_with_few() -> None:
    redactor = Redactor()
    for _ in range(300):
        redactor.learn(secrets.token_hex(32))
    compared = letters = 0
    for number in range(200):
        line = f"{number} block {secrets.token_hex(32)} of {secrets.token_hex(8)} came from peer {number}"
        assert redactor.redact(line) == line
        data = line.encode()
        found = redactor._candidates(data)
        compared += sum(len(redactor._places[int.from_bytes(data[at : at + 4], sys.byteorder)]) for at in found)
        letters += len(line)
    assert compared < letters, "less than once for each letter, even of hexadecimal"


@pytest.mark.parametrize(
    ("secret", "text"),
    [("%A9abcdefghij", "éabcdefghij"), ("abcdefghij%C3", "abcdefghijé"), ("%A9bcdefghij", "“%A9bcdefghij”")],
)
def test_a_value_that_is_no_whole_character_is_hidden_all_the_same(secret: str, text: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    assert "cdefgh" not in redactor.redact(text)
