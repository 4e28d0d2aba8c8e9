"""Texts of the node as they are stored, so that they can be translated later. Pure."""

from pydantic import ValidationError

from archipelago.support.texts.text import Text
from archipelago.support.texts.translatable import Message


def text_to_store(text: str) -> str:
    """Return a text as it is stored: JSON of its message, or the text itself where it has none."""
    return Message.of(text).model_dump_json() if isinstance(text, Text) else text


def stored_text(stored: str) -> str:
    """Return a text that was stored; what cannot be read stays as it is."""
    try:
        text = Message.model_validate_json(stored).text()
    except ValidationError:
        return stored
    return stored if text is None else text
