"""Whatever way a program writes a secret, no eight characters of it in a row are left."""

import base64
import hashlib
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from archipelago.security.secrets.escapes import _ESCAPE
from archipelago.security.secrets.redactor import HIDDEN, SHORTEST, Redactor
from support.processor_time import ProcessorTime

Encoding = Callable[[str], str]

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


def _made(number: int) -> str:
    raw = hashlib.sha256(b"%d" % number).digest()
    match number % 3:
        case 0:
            return raw[: 16 + number % 16].hex()
        case 1:
            return base64.urlsafe_b64encode(raw).decode().rstrip("=")
        case _:
            return base64.b32encode(raw).decode().rstrip("=").lower()


made = st.integers(0, 10**9).map(_made)
"""Values as the node makes them."""
typed = st.text(st.characters(blacklist_categories=("C", "Z"), whitelist_characters=" "), min_size=8, max_size=40)
"""What an owner may think of."""
around = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="%\\&"), max_size=40)
no_digits = st.text(" abcxyz:,;-=/\"'\n", max_size=20).filter(lambda text: not text[-1:].isalnum())


def _grouped(size: int, between: str, before: str = "") -> Encoding:
    def encode(secret: str) -> str:
        digits = secret.encode().hex()
        return between.join(before + digits[at : at + size] for at in range(0, len(digits), size))

    return encode


def _hexdump(secret: str) -> str:
    """As `hexdump -C` does, without its column of text."""
    raw = secret.encode()
    rows = (raw[at : at + 16] for at in range(0, len(raw), 16))
    return "\n".join(f"{16 * row:08x}  {data[:8].hex(' ')}  {data[8:].hex(' ')}" for row, data in enumerate(rows))


TEXTS: dict[str, Encoding] = {
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json, no ascii": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "json in json": lambda secret: json.dumps(json.dumps(secret))[1:-1],
    "php": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "repr": lambda secret: repr(secret)[1:-1],
    "bytes": lambda secret: repr(secret.encode())[2:-1],
    "percent": lambda secret: quote(secret, safe=""),
    "percent twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "form": quote_plus,
    "html": html.escape,
    "shell": lambda secret: shlex.quote(secret),
}
ESCAPES: dict[str, Encoding] = {
    "percent all": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "percent lower": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "percent some": lambda secret: "".join(c if n % 3 else quote(c, safe="") for n, c in enumerate(secret)),
    "\\u": lambda secret: "".join(f"\\u{ord(c):04x}" for c in secret),
    "\\U": lambda secret: "".join(f"\\U{ord(c):08X}" for c in secret),
    "\\u{}": lambda secret: "".join(f"\\u{{{ord(c):x}}}" for c in secret),
    "\\x": lambda secret: "".join(f"\\x{byte:02x}" for byte in secret.encode()),
    "octal": lambda secret: "".join(f"\\{byte:03o}" for byte in secret.encode()),
    "html numbers": lambda secret: "".join(f"&#{ord(c)};" for c in secret),
    "html hexadecimal": lambda secret: "".join(f"&#x{ord(c):X};" for c in secret),
    "upper case": str.upper,
    "lower case": str.lower,
    "raw": str,
}
DIGITS: dict[str, Encoding] = {
    "hexadecimal": lambda secret: secret.encode().hex(),
    "HEXADECIMAL": lambda secret: secret.encode().hex().upper(),
    "colons": _grouped(2, ":"),
    "spaces": _grouped(2, " "),
    "dashes": _grouped(2, "-"),
    "xxd": _grouped(4, " "),
    "0x": _grouped(2, ", ", "0x"),
    "rust": lambda secret: ", ".join(map(str, secret.encode())),
    "go": lambda secret: " ".join(map(str, secret.encode())),
}


def knowing(*secrets: str) -> Redactor:
    """Return a redactor that has learned secrets."""
    redactor = Redactor()
    for secret in secrets:
        redactor.learn(secret)
    return redactor


def windows(text: str) -> set[str]:
    """Return all parts of a text that are long enough to count."""
    return {text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)}


def require_hidden(secret: str, before: str, encoded: str, after: str) -> None:
    """Require that nothing is left of what a secret was encoded to."""
    # What ends as an escape begins, such as a backslash, is another text together with what comes after it.
    ends = (match.span() for match in _ESCAPE.finditer((encoded + after).encode()))
    assume(not any(begin < len(encoded.encode()) < end for begin, end in ends))
    found = knowing(secret).redact(before + encoded + after)
    assert HIDDEN in found
    left = windows(encoded) - windows(before) - windows(after)
    assert not [part for part in left if part in found]


@pytest.mark.parametrize("encoding", [*TEXTS, *ESCAPES])
@given(secret=made, before=around, after=around)
def test_a_made_secret_in_a_text_format(encoding: str, secret: str, before: str, after: str) -> None:
    require_hidden(secret, before, {**TEXTS, **ESCAPES}[encoding](secret), after)


@pytest.mark.parametrize("encoding", TEXTS)
@given(secret=typed, before=around, after=around)
@example(secret='it\'s "so" & so/\\ 100%41, pässwört 🔑', before="", after="")
@example(secret="000000'\\", before="", after="")
def test_a_typed_secret_in_a_text_format(encoding: str, secret: str, before: str, after: str) -> None:
    require_hidden(secret, before, TEXTS[encoding](secret), after)


@pytest.mark.parametrize("encoding", DIGITS)
@given(secret=made | typed, before=no_digits, after=no_digits)
def test_a_secret_in_numbers(encoding: str, secret: str, before: str, after: str) -> None:
    require_hidden(secret, before, DIGITS[encoding](secret), f" {after}" if after else "")


@given(secret=made, before=around, after=around)
def test_a_hexdump(secret: str, before: str, after: str) -> None:
    found = knowing(secret).redact(_hexdump(f"{before}{secret}{after}"))
    raw = secret.encode().hex()
    parts = {raw[at : at + 2 * SHORTEST] for at in range(0, len(raw) - 2 * SHORTEST, 2)}
    # A row may begin or end with fewer characters of it.
    assert not [part for part in parts for row in found.splitlines() if part in row.replace(" ", "")]


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(secret=made | typed, before=st.binary(max_size=20), after=st.binary(max_size=20))
def test_base64_at_each_alignment(encode: Callable[[bytes], bytes], secret: str, before: bytes, after: bytes) -> None:
    whole = encode(before + secret.encode() + after).decode()
    begin, end = -(-len(before) * 8 // 6), (len(before) + len(secret.encode())) * 8 // 6
    core = whole[begin:end]
    left = windows(core) - windows(whole[:begin]) - windows(whole[end:])
    for text in (whole, whole.upper(), whole.lower(), quote(whole, safe="")):
        found = knowing(secret).redact(f"Authorization: Basic {text}")
        assert HIDDEN in found
        assert not [part for part in left if part in found]


@given(user=st.text(ALPHABET, max_size=12), secret=made)
def test_a_login_of_basic_authentication(user: str, secret: str) -> None:
    sent = base64.b64encode(f"{user}:{secret}".encode()).decode()
    found = knowing(secret).redact(f"> Authorization: Basic {sent}")
    rest = found.removeprefix("> Authorization: Basic ").replace(HIDDEN, "")
    assert len(rest) <= len(base64.b64encode(f"{user}:".encode())) + 4


@pytest.mark.parametrize("width", [64, 76])
@given(secret=made, before=st.binary(max_size=80))
def test_base64_that_is_wrapped(width: int, secret: str, before: bytes) -> None:
    whole = base64.b64encode(before + secret.encode()).decode()
    lines = [whole[at : at + width] for at in range(0, len(whole), width)]
    redactor = knowing(secret)
    core = whole[-(-len(before) * 8 // 6) : (len(before) + len(secret)) * 8 // 6]
    for found in (
        redactor.redact("\n".join(lines)),
        "\n".join(map(redactor.redact, lines)),
        redactor.redact("\\n".join(lines)),
    ):
        assert not [part for part in windows(core) if part in found]


@given(secret=made, cut=st.integers(0, 70), before=around, after=around)
def test_a_secret_that_ends_in_another_piece_of_the_log(secret: str, cut: int, before: str, after: str) -> None:
    redactor = knowing(secret)
    pieces = (redactor.redact(before + secret[:cut]), redactor.redact(secret[cut:] + after))
    left = windows(secret) - windows(before) - windows(after)
    assert not [part for part in left for piece in pieces if part in piece]


@given(secret=made, start=st.integers(0, 40), length=st.integers(12, 64))
def test_a_part_of_a_secret(secret: str, start: int, length: int) -> None:
    part = secret[start : start + length]
    assume(len(part) >= 12)
    redactor = knowing(secret)
    assert redactor.redact(f"key={part}…") == f"key={HIDDEN}…"
    assert redactor.redact(f"key={part[:SHORTEST]}\n…\n{part[-SHORTEST:]}…") == f"key={HIDDEN}\n…\n{HIDDEN}…"


@given(secret=made, start=st.integers(0, 20))
def test_an_id_that_is_like_a_few_letters_of_a_secret_stays(secret: str, start: int) -> None:
    text = f"id=x{secret[start : start + SHORTEST]}… {secret.encode().hex()[start : start + 14]}…"
    assert knowing(secret).redact(text) == text


@given(st.lists(made | typed, max_size=4), st.text())
def test_the_rest_of_a_text_stays(secrets: list[str], text: str) -> None:
    found = knowing(*secrets).redact(text)
    kept = found.split(HIDDEN) if HIDDEN not in text else [found]
    assert all(part in text for part in kept)
    if len(kept) == 1:
        assert found == text


@given(st.lists(made, min_size=2, max_size=5, unique=True))
def test_forgetting_one_leaves_the_others(secrets: list[str]) -> None:
    redactor = knowing(*secrets)
    redactor.forget(secrets[0])
    assert redactor.redact(" ".join(secrets[1:])) == " ".join([HIDDEN] * (len(secrets) - 1))
    for secret in secrets:
        redactor.forget(secret)
    assert redactor._places == {}


@pytest.mark.parametrize(
    "line", ["%41" * 20_000, "\\" * 60_000, "61:" * 20_000, "12, " * 15_000, "a" * 60_000, "&#x61;" * 9000]
)
def test_a_line_that_is_all_escapes_takes_a_moment(line: str, processor_time: ProcessorTime) -> None:
    redactor = knowing("a" * 4000, "ab" * 2000, "0123456789abcdef" * 4)
    redactor.redact(line)
    processor_time.require_below(1)
