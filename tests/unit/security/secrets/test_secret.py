"""A secret cannot be shown by accident."""

import copy
import hashlib
import hmac
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.bitcoin.rpcauth import rpcauth_line
from archipelago.security.secrets.secret import Secret, SecretBytes


@given(st.text(min_size=1), st.text(min_size=4, alphabet="abcdefghijklmnopqrstuvwxyz"))
def test_every_way_of_printing_hides_the_value(fingerprint: str, value: str) -> None:
    secret = Secret(value, fingerprint)
    assert {str(secret), repr(secret), f"{secret}", f"{secret!r:>3}"} == {"***"}
    assert repr([secret]) == "[***]"
    assert repr(SecretBytes(value.encode())) == "***"
    assert secret.reveal() == value
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            leak(secret)


@given(st.text(max_size=64), st.text(max_size=64))
def test_equality_is_that_of_the_values(first: str, second: str) -> None:
    assert (Secret(first, "a") == Secret(second, "b")) == (first == second)


def test_an_rpcauth_line_is_what_bitcoind_checks() -> None:
    user, _, rest = rpcauth_line("alice", "correct horse").partition(":")
    salt, _, digest = rest.partition("$")
    assert user == "alice" and len(salt) == 32
    assert digest == hmac.new(salt.encode(), b"correct horse", hashlib.sha256).hexdigest()
    assert rpcauth_line("alice", "correct horse") == rpcauth_line("alice", "correct horse")
    assert rpcauth_line("bob", "correct horse") != rpcauth_line("alice", "correct horse")
