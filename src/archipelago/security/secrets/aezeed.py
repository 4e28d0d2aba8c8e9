"""Seeds of Lightning wallets as LND takes them: 24 words (aezeed, version 0). Pure.

The words hold 16 random bytes, from which all keys follow, and the day since which the chain is searched for coins. LND
has a passphrase for them, `aezeed` where its owner chose none; the node keeps words of that kind alone.

https://github.com/lightningnetwork/lnd/blob/master/aezeed/README.md
"""

import hashlib
from datetime import datetime, timedelta

from archipelago.security.secrets.aez import aez_encrypt

ENTROPY_BYTES = 16
SALT_BYTES = 5
_VERSION = b"\x00"
_EXPANSION = 4
_PASSPHRASE = b"aezeed"
_GENESIS = 1231006505
"""When the first block of Bitcoin was made, in seconds since 1970."""
_WORD_BITS = 11
_WORDS = 24
_DAY = timedelta(days=1)


def seed_words(entropy: bytes, salt: bytes, made: datetime) -> str:
    """Return the words of 16 bytes, with 5 bytes of salt, of a wallet that is made at this time."""
    # Imported late: it reads a list of words, and few apps have such a secret.
    from mnemonic import Mnemonic

    birthday = int((made.timestamp() - _GENESIS) // _DAY.total_seconds())
    plain = _VERSION + birthday.to_bytes(2, "big") + entropy
    key = hashlib.scrypt(_PASSPHRASE, salt=salt, n=32768, r=8, p=1, dklen=32, maxmem=1 << 26)
    sealed = _VERSION + aez_encrypt(key, _VERSION + salt, plain, _EXPANSION) + salt
    number = int.from_bytes(sealed + _crc32c(sealed).to_bytes(4, "big"), "big")
    known = Mnemonic("english").wordlist
    places = (number >> _WORD_BITS * place & (1 << _WORD_BITS) - 1 for place in reversed(range(_WORDS)))
    return " ".join(known[place] for place in places)


def _crc32c(content: bytes) -> int:
    """Return the checksum of Castagnoli (RFC 3720, B.4)."""
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
