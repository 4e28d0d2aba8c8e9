"""What is written in scripts: data and texts of strangers, in a form that is harmless to show. Pure."""

import re

_MOST_TEXT = 240
"""Characters."""
_MOST_DATA = 160
"""Hexadecimal digits."""
_RETURN = 0x6A
_PUSH_1, _PUSH_2, _PUSH_4 = 0x4C, 0x4D, 0x4E
_LENGTHS = {_PUSH_1: 1, _PUSH_2: 2, _PUSH_4: 4}
_RUN = re.compile(rb"[\x20-\x7e]{4,}")
_KINDS = {
    "pubkey": "P2PK",
    "pubkeyhash": "P2PKH",
    "scripthash": "P2SH",
    "multisig": "bare multisig",
    "nulldata": "OP_RETURN",
    "witness_v0_keyhash": "P2WPKH",
    "witness_v0_scripthash": "P2WSH",
    "witness_v1_taproot": "P2TR",
    "anchor": "P2A",
    "nonstandard": "not standard",
}


def kind_of(name: str) -> str:
    """Return the usual word for a type of script, as bitcoind calls it."""
    return _KINDS.get(name, name)


def data_of(script: str) -> bytes:
    """Return what an OP_RETURN script (in hexadecimal) pushes, joined; empty for another script."""
    try:
        code = bytes.fromhex(script)
    except ValueError:
        return b""
    if not code or code[0] != _RETURN:
        return b""
    found, at = b"", 1
    while at < len(code):
        length, at = code[at], at + 1
        if length in _LENGTHS:
            width = _LENGTHS[length]
            length, at = int.from_bytes(code[at : at + width], "little"), at + width
        elif length > _PUSH_4:
            continue
        found, at = found + code[at : at + length], at + length
    return found


def readable(data: bytes) -> str:
    """Return data as text of one line, or "" where it is none.

    Characters that change what stands beside them, such as the direction of text, make it none.
    """
    try:
        text = " ".join(data.decode().split())
    except UnicodeDecodeError:
        return ""
    return _shortened(text, _MOST_TEXT) if text.isprintable() else ""


def digits(data: bytes) -> str:
    """Return data in hexadecimal, of which no more is shown than has room."""
    return _shortened(data.hex(), _MOST_DATA)


def miner_text(script: str) -> str:
    """Return what a miner wrote into the first input of a block (in hexadecimal): its runs of ASCII characters."""
    try:
        code = bytes.fromhex(script)
    except ValueError:
        return ""
    return _shortened(" ".join(run.decode("ascii").strip() for run in _RUN.findall(code)).strip(), _MOST_TEXT)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
