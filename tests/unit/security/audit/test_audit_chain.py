"""The chain of the audit log: whatever is changed, moved or taken away is found, and found where it is."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from archipelago.security.audit.chain import (
    AuditEntry,
    Dropped,
    Head,
    Outcome,
    decode,
    drop_refusals,
    encode,
    link,
    verify,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


def is_signed(signature: bytes, message: bytes) -> bool:
    """Tell whether a signature is that of the node."""
    try:
        KEY.public_key().verify(signature, message)
    except InvalidSignature:
        return False
    return True


def log(count: int) -> tuple[list[bytes], Head]:
    """Return a log of so many entries, and its head."""
    lines, head = [], Head()
    for number in range(1, count + 1):
        entry = AuditEntry(
            sequence=number,
            at=BEGAN + timedelta(seconds=number),
            who="owner",
            origin="127.0.0.1",
            action="container-start",
            subject={"app": f"app-{number}", "note": "ünïcode \x1b"},
            outcome=Outcome.DONE,
        )
        one = link(head, entry, KEY.sign)
        lines.append(encode(one))
        head = one.head
    return lines, head


def faults(lines: list[bytes], head: Head) -> list[tuple[int, str]]:
    """Return line and text of what is wrong."""
    return [(fault.line, fault.what) for fault in verify(lines, head, is_signed).faults]


def test_a_whole_log_is_whole_and_so_is_an_empty_one() -> None:
    lines, head = log(5)
    verdict = verify(lines, head, is_signed)
    assert (verdict.entries, verdict.head, verdict.faults) == (5, head, ())
    assert verify([], Head(), is_signed).faults == ()


@given(st.data())
def test_any_changed_byte_is_found_where_it_is(data: st.DataObject) -> None:
    lines, head = log(4)
    number = data.draw(st.integers(0, 3))
    place = data.draw(st.integers(0, len(lines[number]) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (lines[number][place], ord("\n"))))
    lines[number] = lines[number][:place] + bytes([byte]) + lines[number][place + 1 :]
    assert number + 1 in {line for line, _ in faults(lines, head)}


def test_another_way_of_writing_the_same_signature_is_a_change() -> None:
    lines, head = log(2)
    end = lines[1].index(b'=="')
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    # Four bits of the last digit stand for nothing.
    other = digits[digits.index(lines[1][end - 1]) ^ 1]
    changed = lines[1][: end - 1] + bytes([other]) + lines[1][end:]
    assert decode(changed).signature != decode(lines[1]).signature
    assert faults([lines[0], changed], head) == [(2, "the signature is not this node's")]


@given(st.integers(1, 6), st.integers(0, 5))
def test_what_is_missing_is_named(count: int, start: int) -> None:
    lines, head = log(6)
    end = min(start + count, 6)
    left = lines[:start] + lines[end:]
    first = f"entry {start + 1} is" if end - start == 1 else f"entries {start + 1} to {end} are"
    if end < 6:
        assert faults(left, head) == [(start + 1, f"{first} missing before it")]
    else:
        assert faults(left, head) == [(start + 1, f"the log ends with entry {start}, but entry 6 had been written")]


def test_entries_in_another_order_are_found() -> None:
    lines, head = log(4)
    lines[1], lines[2] = lines[2], lines[1]
    assert (3, "it is out of its place: entry 4 is due here") in faults(lines, head)


def test_an_entry_that_is_written_anew_with_another_key_or_hash_is_found() -> None:
    lines, head = log(3)
    second, third = decode(lines[1]), decode(lines[2])
    forged = link(decode(lines[0]).head, second.entry.model_copy(update={"who": "nobody"}), OTHER_KEY.sign)
    assert faults([lines[0], encode(forged), lines[2]], head) == [
        (2, "the signature is not this node's"),
        (3, "it does not follow from the entry before it"),
    ]
    forged_end = link(second.head, third.entry.model_copy(update={"who": "nobody"}), KEY.sign)
    assert faults([*lines[:2], encode(forged_end)], head) == [
        (3, "the last entry is not the one that had been written")
    ]


@pytest.mark.parametrize("line", [b"", b"\n", b"null\n", b"{}\n", b"\xff\xfe\n", b'{"entry":' * 3000])
def test_a_line_that_is_no_entry_is_a_fault_and_no_crash(line: bytes) -> None:
    lines, head = log(3)
    assert (2, "it cannot be read as an entry") in faults([lines[0], line, lines[2]], head)


@pytest.mark.parametrize("lines_in_between", [1, 5])
def test_lines_that_were_put_in_are_the_only_faults(lines_in_between: int) -> None:
    lines, head = log(3)
    put_in = [b"junk\n"] * lines_in_between
    expected = "it cannot be read as an entry"
    for place in range(4):
        found = faults([*lines[:place], *put_in, *lines[place:]], head)
        assert found == [(place + number + 1, expected) for number in range(lines_in_between)]


def test_there_is_an_end_to_what_is_said() -> None:
    assert len(verify([b"x\n"] * 10_000, Head(), is_signed).faults) == 100


def with_refusals(kinds: list[bool]) -> tuple[list[bytes], Head]:
    """Return a log in which the entries are refusals where `kinds` says so."""
    lines, head = [], Head()
    for number, refused in enumerate(kinds, start=1):
        outcome = Outcome.REFUSED if refused else Outcome.DONE
        entry = AuditEntry(sequence=number, at=BEGAN, who="owner", origin="", action="x", outcome=outcome)
        one = link(head, entry, KEY.sign)
        lines.append(encode(one))
        head = one.head
    return lines, head


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 12))
def test_a_log_without_its_refusals_is_whole_and_says_how_many_there_were(kinds: list[bool], at: int) -> None:
    lines, head = with_refusals(kinds)
    left = [*drop_refusals(lines[:at], KEY.sign, is_signed), *drop_refusals(lines[at:], KEY.sign, is_signed)]
    verdict = verify(left, head, is_signed)
    assert verdict.faults == () and verdict.dropped == sum(kinds) and verdict.head == head
    assert [*drop_refusals(left[: len(left)], KEY.sign, is_signed)] == left or len(left) > 1
    assert [line for line in left if b"entry" in line] == [
        line for line, refused in zip(lines, kinds, strict=True) if not refused
    ]


def test_nobody_else_can_say_that_entries_were_dropped() -> None:
    lines, head = log(4)
    first, last = decode(lines[1]), decode(lines[2])
    forged = Dropped(first=2, last=3, previous=first.previous, hash=last.hash)
    signature = base64.b64encode(OTHER_KEY.sign(forged.message)).decode()
    for mark in ("", signature, last.signature):
        forged = forged.model_copy(update={"signature": mark})
        assert faults([lines[0], encode(forged), lines[3]], head) == [(2, "the signature is not this node's")]


@given(st.data())
def test_any_changed_byte_of_what_stands_for_dropped_entries_is_found(data: st.DataObject) -> None:
    lines, head = with_refusals([False, True, True, False])
    left = [*drop_refusals(lines, KEY.sign, is_signed)]
    assert len(left) == 3
    place = data.draw(st.integers(0, len(left[1]) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (left[1][place], ord("\n"))))
    left[1] = left[1][:place] + bytes([byte]) + left[1][place + 1 :]
    assert 2 in {line for line, _ in faults(left, head)}


def test_a_log_that_was_put_in_its_place_is_not_the_one_that_was_known() -> None:
    lines, head = log(4)
    known = decode(lines[1]).head
    assert verify(lines, head, is_signed, known=known).faults == ()
    other = Head(sequence=2, hash="1" * 64)
    assert [fault.line for fault in verify(lines, head, is_signed, known=other).faults] == [2]
