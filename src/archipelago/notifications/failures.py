"""Why a message has not arrived, as it is stored, with what it was made of, so that it can still be translated."""

from pydantic import ValidationError

from archipelago.support.texts.text import Text
from archipelago.support.texts.translatable import Message


def failure_to_store(text: str) -> str:
    """Return a text as it is stored: JSON of its message, or the text itself where it has none."""
    return Message.of(text).model_dump_json() if isinstance(text, Text) else text


def stored_failure(stored: str) -> str:
    """Return a text that was stored; what cannot be read stays as it is."""
    try:
        text = Message.model_validate_json(stored).text()
    except ValidationError:
        return stored
    return stored if text is None else text
