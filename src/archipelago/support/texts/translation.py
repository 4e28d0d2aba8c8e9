"""Texts in the language of whoever reads them, where the node itself writes to people. The page has the same ones."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from archipelago.support.texts.text import Text

_TRANSLATIONS = Path(__file__).parent / "translations"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Language(StrEnum):
    """A language that the node speaks."""

    EN = "en"
    DE = "de"
    ES = "es"
    FR = "fr"
    JA = "ja"
    PT = "pt"


def read_translations(language: Language) -> Mapping[str, str]:
    """Return the translations of a language, by template; none for English. Blocking: it reads a file.

    Nobody keeps them: they take more memory than a message is worth. Without a readable file, texts stay English.
    """
    if language is Language.EN:
        return {}
    try:
        found: dict[str, str] = json.loads((_TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def translated(text: str, translations: Mapping[str, str]) -> str:
    """Return a text by the translations of a language; in English what has none there. Pure."""
    if not isinstance(text, Text):
        return translations.get(text, text)
    filled = {name: _parameter(value, translations) for name, value in text.parameters.items()}
    template = translations.get(text.key, text.key)
    return _PLACEHOLDER.sub(lambda found: filled.get(found[1], found[0]), template)


def _parameter(value: str, translations: Mapping[str, str]) -> str:
    # A sentence of a manifest may be a parameter; a single word is a name.
    return translated(value, translations) if isinstance(value, Text) or " " in value else value
