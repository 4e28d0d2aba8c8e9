"""Models whose texts clients can translate: beside the English text stand its key and its parameters."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    computed_field,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from archipelago.support.texts.text import Text, placeholders


class _KeepsTexts:
    """Has pydantic leave a `Text` as it is, where it would make a plain text of it."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [core_schema.is_instance_schema(Text), handler(source)],
            mode="left_to_right",
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string"}


Prose = Annotated[str, _KeepsTexts]
"""A text for people. A `Text` stays one, so that it can be translated wherever it is passed on to."""


class Message(BaseModel):
    """What a text was made of, for clients that speak other languages than English."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    key: str
    """The English text with `{name}` in place of each parameter; translations are found by it."""
    parameters: dict[str, "str | Message"]
    """What stands for each name; a message where that is a text that can be translated as well."""

    @classmethod
    def of(cls, text: Text) -> Self:
        """Return the message of a text."""
        parameters = {
            name: cls.of(value) if isinstance(value, Text) else value for name, value in text.parameters.items()
        }
        return cls.model_construct(key=text.key, parameters=parameters)

    def text(self) -> Text | None:
        """Return the text that it was made of; None where a parameter is missing."""
        values: dict[str, str] = {}
        for name, value in self.parameters.items():
            said = value.text() if isinstance(value, Message) else value
            if said is None:
                return None
            values[name] = said
        return Text(self.key, values) if placeholders(self.key) <= values.keys() else None


class Translatable(BaseModel):
    """Base of models with fields of `Prose`, or lists of it: `messages` says what their texts were made of."""

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def messages(self) -> dict[str, Message]:
        """Field -> message of its text, `effects.0` for the first of a list; a text without one is English only."""
        return {place: Message.of(text) for place, text in _texts(self.__dict__)}

    @model_validator(mode="before")
    @classmethod
    def _read_messages(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "messages" not in given:
            return given
        fields = {name: value for name, value in given.items() if name != "messages"}
        messages = given["messages"]
        for place, wire in messages.items() if isinstance(messages, Mapping) else ():
            name, _, index = place.partition(".")
            text, value = _read(wire), fields.get(name)
            # A message never says more than the text beside it, so one that says something else is left out.
            if index.isdecimal() and isinstance(value, list | tuple):
                fields[name] = [text if at == int(index) and each == text else each for at, each in enumerate(value)]
            elif text is not None and value == text:
                fields[name] = text
        return fields


def messages(**texts: str | None) -> dict[str, dict[str, Any]]:
    """Return the messages of those texts that can be translated, by their names, as JSON."""
    return {name: Message.of(text).model_dump() for name, text in texts.items() if isinstance(text, Text)}


def _read(wire: object) -> Text | None:
    """Return the text of a message that another version may have written; None where it is malformed."""
    try:
        return Message.model_validate(wire).text()
    except ValidationError:
        return None


def _texts(fields: Mapping[str, object]) -> Iterator[tuple[str, Text]]:
    for name, value in fields.items():
        if isinstance(value, Text):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((f"{name}.{at}", each) for at, each in enumerate(value) if isinstance(each, Text))
