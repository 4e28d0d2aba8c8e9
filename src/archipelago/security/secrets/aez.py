"""AEZ version 5 for short texts, as wallets of Lightning need it (https://www.cs.ucdavis.edu/~rogaway/aez). Pure.

No package has it. A text is 12 to 27 bytes and has no nonce, and its additional data is one part of less than 16 bytes;
all else of AEZ is left out. Tables make its time depend on the key, so it is for texts that are made once, here.
"""

import hashlib

_BLOCK = 128
_MASK = (1 << _BLOCK) - 1
_TWEAK = 6
_ROUNDS = 8
"""Of a text that has, with its expansion, 16 to 31 bytes."""


def aez_encrypt(key: bytes, data: bytes, plain: bytes, expansion: int) -> bytes:
    """Return a text encrypted: longer by `expansion` bytes, by which a change of it or of `data` is noticed."""
    size = len(plain) + expansion
    assert 16 <= size <= 31 and len(data) < 16, "it is for short texts"
    extracted = hashlib.blake2b(key, digest_size=48).digest()
    cipher = _Cipher(*(int.from_bytes(extracted[at : at + 16], "big") for at in (0, 16, 32)))
    text = int.from_bytes(plain, "big") << 8 * expansion
    return _encipher(cipher, _tweak(cipher, data, 8 * expansion), text, 4 * size).to_bytes(size, "big")


class _Cipher:
    """The block cipher E of AEZ with j >= 0: four rounds of AES."""

    def __init__(self, i: int, j: int, l: int) -> None:  # noqa: E741 - the names of the paper
        self._i, self._j, self._l = i, j, l

    def encrypt(self, j: int, i: int, l: int, block: int) -> int:  # noqa: E741
        """Return a block, encrypted under multiples of the key's three parts."""
        block ^= _times(j, self._j) ^ _times(i, self._i) ^ _times(l, self._l)
        for key in (self._j, self._i, self._l, 0):
            block = _aes_round(block) ^ key
        return block


def _tweak(cipher: _Cipher, data: bytes, bits: int) -> int:
    """Return the hash of what belongs to a text: how many bits longer it gets, no nonce, and the additional data."""
    return (
        cipher.encrypt(3, 2, 1, bits)
        ^ cipher.encrypt(4, 1, 0, _padded(0, 0))
        ^ cipher.encrypt(5, 1, 0, _padded(int.from_bytes(data, "big"), 8 * len(data)))
    )


def _encipher(cipher: _Cipher, tweak: int, text: int, half: int) -> int:
    """Return a text of twice `half` bits enciphered (AEZ-tiny): halves take turns, as of Feistel."""
    left, right = text >> half, text & (1 << half) - 1
    for number in range(_ROUNDS):
        block = _padded(right, half) ^ tweak ^ number
        left, right = right, left ^ cipher.encrypt(0, 2, _TWEAK, block) >> _BLOCK - half
    return right << half | left


def _padded(value: int, bits: int) -> int:
    return (value << 1 | 1) << _BLOCK - 1 - bits


def _times(factor: int, block: int) -> int:
    """Multiply in the field of 2^128 elements, with the polynomial x^128 + x^7 + x^2 + x + 1."""
    product = 0
    while factor:
        product ^= block if factor & 1 else 0
        block = (block << 1 ^ (0x87 if block >> _BLOCK - 1 else 0)) & _MASK
        factor >>= 1
    return product


def _double(value: int) -> int:
    """Multiply by two in the field of AES."""
    return (value << 1 ^ (0x11B if value & 0x80 else 0)) & 0xFF


def _substitutions() -> bytes:
    """Return the S-box of AES (FIPS 197, 5.1.1)."""
    box, power, inverse = bytearray(256), 1, 1
    while True:
        power ^= _double(power)  # times three, of which all elements are powers
        # Divided by three.
        inverse ^= inverse << 1
        inverse ^= inverse << 2
        inverse = (inverse ^ inverse << 4) & 0xFF
        inverse ^= 0x09 if inverse & 0x80 else 0
        turned = inverse * 0x101
        box[power] = (inverse ^ turned >> 7 ^ turned >> 6 ^ turned >> 5 ^ turned >> 4) & 0xFF ^ 0x63
        if power == 1:
            box[0] = 0x63
            return bytes(box)


_SUBSTITUTED = _substitutions()


def _aes_round(block: int) -> int:
    """Return a block after SubBytes, ShiftRows and MixColumns of AES, without a key."""
    given = block.to_bytes(16, "big").translate(_SUBSTITUTED)
    mixed = bytearray()
    for column in range(4):
        values = [given[4 * ((column + row) % 4) + row] for row in range(4)]
        total = values[0] ^ values[1] ^ values[2] ^ values[3]
        mixed += bytes(value ^ total ^ _double(value ^ values[(row + 1) % 4]) for row, value in enumerate(values))
    return int.from_bytes(mixed, "big")
