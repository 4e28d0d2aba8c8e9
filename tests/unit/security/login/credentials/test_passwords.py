"""Passwords: the same on every keyboard, never a part of one, and those of earlier versions go on."""

import unicodedata

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.errors import NodeError
from archipelago.security.login.credentials.passwords import LONGEST, Cost, Passwords
from archipelago.security.secrets.typed_secret import forms, prepared
from support.examples import examples

CHEAP = Cost(1, 8, 1)
NFC = unicodedata.normalize("NFC", "größte Äpfel überall")
NFD = unicodedata.normalize("NFD", NFC)


@pytest.mark.parametrize(
    ("set_as", "typed"), [(NFC, NFD), (NFD, NFC), (NFC, NFC.replace(" ", "\u00a0")), ("\u3000" + NFC, " " + NFD)]
)
async def test_a_password_is_the_same_on_every_keyboard(set_as: str, typed: str) -> None:
    passwords = Passwords(CHEAP)
    hashed = await passwords.hash(set_as)
    assert await passwords.fits(hashed, typed, known=True) and await passwords.fits(hashed, set_as, known=False)
    for wrong in (NFC.upper(), NFC.replace("ö", "o"), NFC + " ", "ﬁ" + NFC):
        assert not await passwords.fits(hashed, wrong, known=True)


@pytest.mark.parametrize("old", [NFD, NFC, NFC.replace(" ", "\u00a0"), "plain old words"])
async def test_a_password_that_an_earlier_version_hashed_as_it_was_typed_goes_on(old: str) -> None:
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(old)
    assert await Passwords(CHEAP).fits(hashed, old, known=True)


async def test_what_begins_like_a_password_is_none() -> None:
    passwords = Passwords(CHEAP)
    longest = "x" * LONGEST
    hashed = await passwords.hash(longest)
    assert await passwords.fits(hashed, longest, known=True)
    assert not await passwords.fits(hashed, longest + "y", known=True)
    assert not await passwords.fits(None, longest + "y", known=True)
    with pytest.raises(NodeError):
        await passwords.hash(longest + "y")


@settings(max_examples=examples(300))
@given(st.text())
def test_what_is_prepared_stays_as_it_is(text: str) -> None:
    once = prepared(text)
    assert prepared(once) == once == prepared(unicodedata.normalize("NFD", text))
    assert forms(text)[0] == once and text in forms(text)
