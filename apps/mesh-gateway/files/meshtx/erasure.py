"""A Reed-Solomon erasure code over GF(256): any k of the n fragments of a message give it back. Pure.

The first k fragments are the message itself. The others are its product with a Cauchy matrix, of which every square
part can be inverted; so it does not matter which fragments are lost. Rows are multiplied by `bytes.translate` and added
as whole numbers, since loops over bytes would be slow in Python.
"""

from collections.abc import Mapping

MOST_PARTS = 128
"""Fragments that a message has without repair fragments, at most."""
MOST_FRAGMENTS = 256
"""Different fragments of one message: as many as there are elements of the field."""
_POLYNOMIAL = 0x11D
"""x^8 + x^4 + x^3 + x^2 + 1, with 2 as a generator."""


def _powers() -> tuple[list[int], list[int]]:
    exponents, logarithms = [0] * 510, [0] * 256
    value = 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value <<= 1
        if value & 0x100:
            value ^= _POLYNOMIAL
    return exponents, logarithms


_EXPONENTS, _LOGARITHMS = _powers()


def _times(left: int, right: int) -> int:
    return _EXPONENTS[_LOGARITHMS[left] + _LOGARITHMS[right]] if left and right else 0


def _inverse(value: int) -> int:
    return _EXPONENTS[255 - _LOGARITHMS[value]]


_TABLES = tuple(bytes(_times(factor, value) for value in range(256)) for factor in range(256))


def _scaled(row: bytes, factor: int) -> int:
    return int.from_bytes(row.translate(_TABLES[factor]), "big")


def _factor(fragment: int, part: int) -> int:
    """Return the element of the Cauchy matrix for a repair fragment and a part of the message."""
    return _inverse(fragment ^ part)


def parts_of(length: int, largest: int) -> tuple[int, int]:
    """Return into how many parts a message is cut, and how many bytes each has, so that none is larger than `largest`.

    Raises `ValueError` where it is empty or has too many parts.
    """
    if length < 1 or largest < 1:
        raise ValueError("there is nothing to send")
    count = -(-length // largest)
    if count > MOST_PARTS:
        raise ValueError(f"the message has {length} bytes; {MOST_PARTS * largest} are the most")
    return count, -(-length // count)


def fragment(message: bytes, count: int, size: int, index: int) -> bytes:
    """Return one of the `MOST_FRAGMENTS` fragments of a message in `count` parts of `size` bytes."""
    if index < count:
        return message[index * size : (index + 1) * size].ljust(size, b"\0")
    total = 0
    for part in range(count):
        row = message[part * size : (part + 1) * size].ljust(size, b"\0")
        total ^= _scaled(row, _factor(index, part))
    return total.to_bytes(size, "big")


def restored(fragments: Mapping[int, bytes], count: int, size: int, length: int) -> bytes:
    """Return the message from at least `count` fragments, by their index. Raises `ValueError` where there are fewer."""
    if len(fragments) < count:
        raise ValueError(f"{len(fragments)} of {count} fragments are not enough")
    missing = [part for part in range(count) if part not in fragments]
    parts = {part: fragments[part] for part in range(count) if part in fragments}
    if missing:
        repairs = sorted(index for index in fragments if index >= count)[: len(missing)]
        parts.update(_solved(fragments, parts, missing, repairs, size))
    return b"".join(parts[part] for part in range(count))[:length]


def _solved(
    fragments: Mapping[int, bytes], known: Mapping[int, bytes], missing: list[int], repairs: list[int], size: int
) -> dict[int, bytes]:
    """Solve for the missing parts by Gaussian elimination. A part of a Cauchy matrix is never singular."""
    matrix = [[_factor(index, part) for part in missing] for index in repairs]
    values = []
    for index in repairs:
        value = int.from_bytes(fragments[index], "big")
        for part, content in known.items():
            value ^= _scaled(content, _factor(index, part))
        values.append(value.to_bytes(size, "big"))
    for column in range(len(missing)):
        pivot = next(row for row in range(column, len(missing)) if matrix[row][column])
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        values[column], values[pivot] = values[pivot], values[column]
        scale = _inverse(matrix[column][column])
        matrix[column] = [_times(scale, each) for each in matrix[column]]
        values[column] = values[column].translate(_TABLES[scale])
        for row in range(len(missing)):
            factor = matrix[row][column]
            if row != column and factor:
                matrix[row] = [
                    each ^ _times(factor, other) for each, other in zip(matrix[row], matrix[column], strict=True)
                ]
                total = int.from_bytes(values[row], "big") ^ _scaled(values[column], factor)
                values[row] = total.to_bytes(size, "big")
    return dict(zip(missing, values, strict=True))
