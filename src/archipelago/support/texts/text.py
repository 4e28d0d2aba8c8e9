"""Texts that clients can translate: they are English, and remember the template and parameters they were made of."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Self

from archipelago.errors import NodeError

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Text(str):
    """An English text, with the template that it was made of as the key of its translations. Made by `msg`."""

    __slots__ = ("key", "parameters")

    key: str
    """The template: `{app} is not installed`."""
    parameters: Mapping[str, str]
    """What stands for each placeholder; a `Text` can be translated in its turn."""

    def __new__(cls, key: str, parameters: Mapping[str, str]) -> Self:
        """Fill the placeholders of a template; parameters that it does not name are left out."""
        names, pattern = _compiled(key)
        # As many as there are placeholders are those of the placeholders, or filling them fails: no sets to compare.
        if len(parameters) != len(names):
            parameters = {name: parameters[name] for name in names}
        made = str.__new__(cls, pattern % parameters)
        made.key, made.parameters = key, parameters
        return made

    def __str__(self) -> str:
        """Return itself, so that an exception's text is what was given to it."""
        return self

    @property
    def plain(self) -> str:
        """The English text alone."""
        return super().__str__()

    def __getnewargs__(self) -> tuple[str, Mapping[str, str]]:  # type: ignore[override]
        """Return what copies and pickles are made from."""
        return self.key, self.parameters


def msg(template: str, /, **parameters: object) -> str:
    """Return a text to show to people, which is a `Text`.

    `template` is a literal, so that `scripts/generate` finds it, with `{name}` for each parameter and no other use of
    braces around a single word. Anything but a text is formatted by its caller: `size=f"{size:.1f}"`.
    """
    if not parameters:
        return _constant(template)
    for name, value in parameters.items():
        if not isinstance(value, str):
            parameters[name] = str(value)
    return Text(template, parameters)  # type: ignore[arg-type]  # all of them are texts now


@lru_cache(maxsize=2048)
def _constant(template: str) -> Text:
    return Text(template, {})


def placeholders(template: str) -> frozenset[str]:
    """Return the names of the parameters of a template."""
    return _compiled(template)[0]


@lru_cache(maxsize=2048)
def _compiled(template: str) -> tuple[frozenset[str], str]:
    """Return the placeholders of a template, and the template as the operator `%` fills it, which is fast."""
    names = frozenset(_PLACEHOLDER.findall(template))
    return names, _PLACEHOLDER.sub(r"%(\1)s", template.replace("%", "%%"))


def joined(texts: Sequence[str], separator: str) -> str:
    """Return several texts as one, each of which can still be translated."""
    if not any(isinstance(each, Text) for each in texts):
        return separator.join(texts)
    names = [f"part{number}" for number in range(1, len(texts) + 1)]
    template = separator.join(f"{{{name}}}" for name in names)
    return Text(template, dict(zip(names, texts, strict=True)))


def error_text(error: Exception) -> str:
    """Return what an error says, with its hint, as a text that can still be translated."""
    if isinstance(error, NodeError) and error.hint:
        return msg("{message} ({hint})", message=error.message, hint=error.hint)
    return str(error)
