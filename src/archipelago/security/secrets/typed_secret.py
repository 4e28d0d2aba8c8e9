"""Passwords and passphrases as people type them: the same word is the same, whatever keyboard wrote it. Pure."""

import unicodedata

_SPACE_SEPARATOR = "Zs"


def prepared(text: str) -> str:
    """Return a password in the form that is hashed (RFC 8265, 4.2, OpaqueString): plain spaces, composed letters.

    A Mac writes ä as two characters and most other systems as one; both look alike, and neither is a mistake.
    """
    if text.isascii():
        return text
    spaced = "".join(" " if unicodedata.category(letter) == _SPACE_SEPARATOR else letter for letter in text)
    return unicodedata.normalize("NFC", spaced)


def forms(text: str) -> tuple[str, ...]:
    """Return the forms that what was hashed may have: the prepared one, and as an earlier version took it."""
    return tuple(dict.fromkeys((prepared(text), text)))
