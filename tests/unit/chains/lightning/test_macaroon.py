"""Macaroons that the node makes are those that LND takes: the bytes were compared with go-macaroon-bakery 2.0.1."""

import pytest

from archipelago.chains.lightning.macaroon import baked

_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
_TAKEN = (
    "0201036c6e64023d030a1000c7eb664066e5c738757086964cd7591201301a0c0a04696e666f1204726561641a170a08696e766f69636573"
    "12047265616412057772697465"
    "00000620f6b8d1bebec5f6dd6e8514bada3d9cc69bd1d08541c15cca356f6ac110cd04cf"
)


def test_a_macaroon_is_what_lnd_takes_and_the_same_each_time() -> None:
    assert baked(_KEY, "lnbits", ("invoices:write", "info:read", "invoices:read")) == _TAKEN
    assert baked(_KEY, "lnbits", ("info:read", "invoices:read", "invoices:write", "info:read")) == _TAKEN


def test_another_consumer_or_permission_has_another_one() -> None:
    others = {
        baked(_KEY, "cashu", ("info:read",)),
        baked(_KEY, "lnbits", ("info:read",)),
        baked(_KEY, "lnbits", ("info:write",)),
        baked(_KEY[:-1] + "0", "lnbits", ("info:read",)),
        baked(_KEY, "lnbits", ()),
    }
    assert len(others) == 5


def test_a_key_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        baked(_KEY[:-4], "lnbits", ("info:read",))
