"""Numbers and times in words, for people. Pure."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

COIN = 100_000_000
_AGES = ((31_557_600, "year"), (2_629_800, "month"), (86_400, "day"), (3600, "hour"), (60, "minute"))
"""Seconds and their unit."""


def satoshi(amount: Decimal | int) -> int:
    """Return an amount of bitcoind, in bitcoin, in satoshi."""
    return int(Decimal(amount) * COIN)


def bitcoin(amount: int) -> str:
    """Return satoshi as bitcoin, with a space after each three digits behind the point, such as `0.012 345 67`."""
    sign, whole, rest = "\N{MINUS SIGN}" if amount < 0 else "", abs(amount) // COIN, abs(amount) % COIN
    digits = f"{rest:08}"
    return f"{sign}{whole:,}.{digits[:2]}\N{NARROW NO-BREAK SPACE}{digits[2:5]}\N{NARROW NO-BREAK SPACE}{digits[5:]}"


def rate(satoshi_per_vbyte: Decimal) -> str:
    """Return a fee rate with two digits behind the point, or one where it has three before."""
    places = Decimal("0.1") if satoshi_per_vbyte >= 100 else Decimal("0.01")
    return f"{satoshi_per_vbyte.quantize(places, ROUND_HALF_UP):,}"


def number(value: int) -> str:
    """Return a whole number with a comma after each three digits."""
    return f"{value:,}"


def size(octets: int) -> str:
    """Return a number of bytes with its unit."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if octets >= step:
            return f"{octets / step:.2f} {unit}"
    return f"{octets} bytes"


def age(then: int, now: float) -> str:
    """Return how long ago a time was; clocks of miners go wrong by up to two hours."""
    seconds = now - then
    for unit, name in _AGES:
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}{'s' if count != 1 else ''} ago"
    return "just now" if seconds > -60 else "soon, by the miner's clock"


def moment(then: int) -> str:
    """Return a time (seconds since 1970) as `2026-11-30 12:34:56 UTC`."""
    try:
        return f"{datetime.fromtimestamp(then, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return str(then)


def machine_moment(then: int) -> str:
    """Return a time as HTML's `time` has it."""
    return moment(then).replace(" UTC", "Z").replace(" ", "T")
