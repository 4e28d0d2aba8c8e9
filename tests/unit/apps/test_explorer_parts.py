"""What the explorer makes of bitcoind's answers, and of what strangers wrote into the chain."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.scripts import data_of, digits, miner_text, readable
from explorer.seeking import Sought, page_number, sheet, sought
from explorer.views import estimate, transaction_view
from explorer.words import age, bitcoin, moment, rate, satoshi, size

HASH = "00ab" * 16
THIN = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (Sought.NOTHING, "")),
        ("  \t", (Sought.NOTHING, "")),
        ("0", (Sought.HEIGHT, "0")),
        ("#840,000", (Sought.HEIGHT, "840000")),
        ("1234567890", (Sought.UNKNOWN, "1234567890")),
        (f" {HASH.upper()} ", (Sought.HASH, HASH)),
        ("bitcoin:bcrt1qxyzxyzxyzxyzxyz?amount=1", (Sought.ADDRESS, "bcrt1qxyzxyzxyzxyzxyz")),
        ("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", (Sought.ADDRESS, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")),
        ("../../etc/passwd", (Sought.UNKNOWN, "../../etc/passwd")),
        ("<script>alert(1)</script>", (Sought.UNKNOWN, "<script>alert(1)</script>")),
        (HASH + "0", (Sought.ADDRESS, HASH + "0")),
    ],
)
def test_what_is_looked_for_is_known_by_its_form(text: str, found: tuple[Sought, str]) -> None:
    assert sought(text) == found


@given(st.integers(0, 300), st.integers(-5, 50))
def test_the_pages_of_a_list_have_each_item_once(length: int, number: int) -> None:
    items = list(range(length))
    one = sheet(items, number)
    assert one.total == length and 1 <= one.number <= one.last and len(one.items) <= 25
    assert [item for page in range(1, one.last + 1) for item in sheet(items, page).items] == items
    assert list(one.items) == items[one.first : one.first + len(one.items)]


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("", 1), ("-1", 1), ("x", 1), ("9" * 30, 1), ("²", 1)])
def test_a_page_that_is_no_number_is_the_first(text: str, number: int) -> None:
    assert page_number(text) == number


@pytest.mark.parametrize(
    ("script", "data"),
    [
        ("6a0568656c6c6f", b"hello"),
        ("6a4c0568656c6c6f", b"hello"),
        ("6a4d050068656c6c6f0121", b"hello!"),
        ("6a5d0568656c6c6f", b"hello"),
        ("6aff", b""),
        ("6a4e", b""),
        ("6a4effffffff41", b"A"),
        ("0014" + "00" * 20, b""),
        ("", b""),
        ("zz", b""),
    ],
)
def test_the_data_of_an_op_return_is_what_it_pushes(script: str, data: bytes) -> None:
    assert data_of(script) == data


@given(st.binary(max_size=100))
def test_any_script_has_data_that_ends(code: bytes) -> None:
    assert len(data_of(code.hex())) <= len(code)
    assert miner_text(code.hex()).isprintable()


@given(st.text(max_size=400))
def test_what_is_shown_as_text_changes_nothing_beside_it(text: str) -> None:
    shown = readable(text.encode(errors="surrogatepass"))
    assert shown.isprintable() and len(shown) <= 241
    for hostile in ("\N{RIGHT-TO-LEFT OVERRIDE}", "\x1b", "\0", "\N{ZERO WIDTH SPACE}"):
        assert readable(f"{text}{hostile}.".encode(errors="surrogatepass")) == ""


def test_no_text_is_hexadecimal_and_both_have_an_end() -> None:
    assert readable(b"\xff\xfe") == ""
    assert digits(b"\xff" * 200) == "ff" * 80 + "…"
    assert readable(b"a" * 300) == "a" * 240 + "…"
    assert miner_text("03a0d50c" + b"/Foundry/ \xff mined by x".hex()) == "/Foundry/ mined by x"


def test_numbers_are_written_for_people() -> None:
    assert satoshi(Decimal("20999999.97690000")) == 2_099_999_997_690_000
    assert bitcoin(2_099_999_997_690_000) == f"20,999,999.97{THIN}690{THIN}000"
    assert bitcoin(-1) == f"\N{MINUS SIGN}0.00{THIN}000{THIN}001"
    assert rate(Decimal("1")) == "1.00" and rate(Decimal("1234.56")) == "1,234.6"
    assert (size(999), size(1_500_000)) == ("999 bytes", "1.50 MB")
    assert [age(0, seconds) for seconds in (59, 60, 7300, 86400 * 800)] == [
        "just now",
        "1 minute ago",
        "2 hours ago",
        "2 years ago",
    ]
    assert age(7200, 0) == "soon, by the miner's clock"
    assert moment(1231006505) == "2009-01-03 18:15:05 UTC" and moment(10**18) == str(10**18)


def output(index: int, value: str, script: str = "0014" + "11" * 20) -> dict[str, Any]:
    return {"n": index, "value": Decimal(value), "scriptPubKey": {"hex": script, "type": "witness_v0_keyhash"}}


def transaction(**parts: Any) -> dict[str, Any]:
    spends = {"txid": HASH, "vout": 1, "sequence": 0xFFFFFFFD, "prevout": output(1, "0.5", "51")}
    common = {"txid": HASH, "size": 222, "vsize": 141, "weight": 561, "version": 2, "locktime": 0}
    return {**common, "vin": [spends], "vout": [output(0, "0.3"), output(1, "0.1999")], **parts}


def test_a_transaction_has_what_it_pays_its_fee_and_its_effect() -> None:
    view = transaction_view(transaction(fee=Decimal("0.0001"), blockhash=HASH, confirmations=3, blocktime=5))
    assert (view.output, view.fee, view.rate) == (49_990_000, 10_000, Decimal(10_000) / 141)
    assert (view.replaceable, view.new, view.time) == (True, False, 5)
    assert view.effect("51") == -50_000_000
    assert view.effect("0014" + "11" * 20) == 49_990_000
    assert view.effect("6a") == 0


def test_where_it_is_not_known_what_a_transaction_spends_nothing_is_made_up() -> None:
    view = transaction_view(transaction(vin=[{"txid": HASH, "vout": 1, "sequence": 0xFFFFFFFF}]))
    assert (view.fee, view.rate, view.effect("51"), view.replaceable) == (None, None, None, False)
    waits = transaction_view(transaction(), time=7, fee=1410)
    assert (waits.fee, waits.rate, waits.time, waits.block) == (1410, 10, 7, "")


def test_the_first_transaction_of_a_block_spends_nothing() -> None:
    view = transaction_view(transaction(vin=[{"coinbase": b"\x03/miner/".hex(), "sequence": 0}]))
    assert (view.new, view.fee, view.rate, view.replaceable) == (True, 0, None, False)
    assert view.inputs[0].text == "/miner/"
    assert view.effect("0014" + "11" * 20) == 49_990_000


def test_an_estimate_is_for_a_virtual_byte_and_none_is_none() -> None:
    assert estimate(2, "soon", {"feerate": Decimal("0.00012345")}).rate == Decimal("12.345")
    assert estimate(2, "soon", {"errors": ["Insufficient data or no feerate found"]}).rate is None
