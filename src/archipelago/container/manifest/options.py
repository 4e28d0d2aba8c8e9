"""The owner's options: are the values right, which of them hold, and which rules do they break?"""

from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.patterns import matches
from archipelago.container.manifest.model.scalars import Scalar, is_one_line
from archipelago.container.manifest.model.settings import (
    BoolOption,
    ChoiceOption,
    IntOption,
    Option,
    OptionRule,
    StringOption,
)
from archipelago.container.manifest.yaml.problems import nearest, show
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import joined, msg
from archipelago.support.texts.translatable import messages

MAX_INT = 2**53 - 1
"""Largest whole number that every part of the system (JavaScript among them) carries unharmed."""
ANY_INT = 1 << 130
"""Beyond what the manifest reader takes for a number (40 digits)."""

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """Why a value cannot be given to an option."""

    option: str
    message: str
    expected: str | None = None
    hint: str | None = None
    """Nearest option or choice."""

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The problem as one line."""
        parts = [msg("{option}: {message}", option=self.option, message=self.message)]
        if self.expected is not None:
            parts.append(msg("expected {expected}", expected=self.expected))
        if self.hint is not None:
            parts.append(msg("did you mean '{hint}'?", hint=self.hint))
        return joined(parts, "; ")


class OptionError(NodeError):
    """Values that an app's options cannot take, with every problem that was found."""

    def __init__(self, problems: tuple[OptionProblem, ...]) -> None:
        data = [
            {
                "option": item.option,
                "message": item.message,
                "expected": item.expected,
                "hint": item.hint,
                "messages": messages(message=item.message, expected=item.expected),
            }
            for item in problems
        ]
        text = joined([item.text for item in problems], "\n")
        super().__init__(ErrorCode.INVALID_OPTION, text, data={"problems": data})
        self.problems = problems


def describe_option(option: Option) -> str:
    """Return what an option takes, in words, such as `a whole number from 0 to 100 (MiB)`."""
    match option:
        case BoolOption():
            return msg("true or false")
        case IntOption(minimum=low, maximum=high, unit=unit):
            low, high = (None if bound is None else min(max(bound, -MAX_INT), MAX_INT) for bound in (low, high))
            if low is not None and high is not None:
                text = msg("a whole number from {low} to {high}", low=low, high=high)
            elif low is not None:
                text = msg("a whole number of at least {low}", low=low)
            elif high is not None:
                text = msg("a whole number of at most {high}", high=high)
            else:
                text = msg("a whole number")
            return msg("{text} ({unit})", text=text, unit=unit) if unit else text
        case StringOption(pattern=pattern, form=form, max_length=longest):
            text = msg("one line of at most {longest} characters", longest=longest)
            if form is not None:
                return msg("{text}: {form}", text=text, form=form)
            return text if pattern is None else msg("{text} that matches {pattern}", text=text, pattern=pattern)
        case ChoiceOption(choices=choices):
            return msg("one of: {known}", known=", ".join(choices))


def check_option_value(name: str, option: Option, value: object, *, most: int = MAX_INT) -> OptionProblem | None:
    """Return why an option cannot take a value, or None when it can; `most` bounds numbers whatever its bounds are."""
    fits, hint = False, None
    match option:
        case BoolOption():
            fits = isinstance(value, bool)
        case IntOption(minimum=low, maximum=high):
            fits = (
                isinstance(value, int)
                and not isinstance(value, bool)
                and max(-most, -most if low is None else low) <= value <= min(most, most if high is None else high)
            )
        case StringOption(pattern=pattern, max_length=longest):
            fits = (
                isinstance(value, str)
                and len(value) <= longest
                and is_one_line(value)
                and (pattern is None or matches(pattern, value))
            )
        case ChoiceOption(choices=choices):
            fits = isinstance(value, str) and value in choices
            hint = nearest(value, choices) if isinstance(value, str) and not fits else None
    return (
        None
        if fits
        else OptionProblem(name, msg("cannot be {value}", value=show(value)), describe_option(option), hint)
    )


def validate_option_value(option: Option, value: object, name: str = "value") -> Scalar:
    """Return the value when the option can take it; raises OptionError. Nothing is converted: `"5"` is no number."""
    problem = check_option_value(name, option, value)
    if problem is not None:
        raise OptionError((problem,))
    assert isinstance(value, bool | int | str)
    return value


def validate_options(manifest: AppManifest, given: Mapping[str, object]) -> dict[str, Scalar]:
    """Return the given values when the app's options can take all of them; raises OptionError with all problems.

    Rules between options are not looked at, as they depend on the values that are not given: see `broken_rules`.
    """
    values: dict[str, Scalar] = {}
    problems: list[OptionProblem] = []
    for name, value in given.items():
        option = manifest.options.get(name)
        problem = _no_option(manifest, name) if option is None else check_option_value(name, option, value)
        if problem is not None:
            problems.append(problem)
        elif isinstance(value, bool | int | str):
            values[name] = value
    if problems:
        raise OptionError(tuple(problems))
    return values


def _no_option(manifest: AppManifest, name: str) -> OptionProblem:
    known = ", ".join(manifest.options)
    expected = msg("one of: {known}", known=known) if known else None
    message = msg("there is no such option") if known else msg("{app} has no options", app=manifest.id)
    return OptionProblem(name[:60], message, expected, nearest(name, manifest.options))


def parse_option_text(option: Option, text: str, name: str = "value") -> Scalar:
    """Return the value that a text from a command line means for an option; raises OptionError."""
    value: object = text
    word = text.strip().lower()
    match option:
        case BoolOption() if word in _TRUE | _FALSE:
            value = word in _TRUE
        case IntOption() if len(word) <= 20 and word.lstrip("+-").isdecimal() and word.isascii():
            try:
                value = int(word)
            except ValueError:
                value = text
    return validate_option_value(option, value, name)


def effective_options(
    manifest: AppManifest, owner: Mapping[str, Scalar], demands: Mapping[str, Scalar]
) -> dict[str, Scalar]:
    """Return the value of every option: what dependents demand, else what the owner set, else the default.

    Names that are no options of this app are left out.
    """
    return {
        name: demands[name] if name in demands else owner.get(name, option.default)
        for name, option in manifest.options.items()
    }


def same_value(first: Scalar, second: Scalar) -> bool:
    """Return whether two option values are the same; unlike in Python, true is not 1."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def have_values(values: Mapping[str, Scalar], wanted: Mapping[str, Scalar]) -> bool:
    """Return whether options have all the values that are wanted of them, as those of a `when`."""
    return all(name in values and same_value(values[name], value) for name, value in wanted.items())


def broken_rules(manifest: AppManifest, values: Mapping[str, Scalar]) -> list[OptionRule]:
    """Return the rules that the values break."""
    return [rule for rule in manifest.rules if have_values(values, rule.when) and not have_values(values, rule.require)]
