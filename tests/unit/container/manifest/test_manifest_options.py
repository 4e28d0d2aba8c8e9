"""The owner's options: values, texts of the command line, effective values and rules."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.plan import Action, InstalledApp, PlannedApp, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.model.settings import BoolOption, ChoiceOption, IntOption, Option, StringOption
from archipelago.container.manifest.options import (
    MAX_INT,
    OptionError,
    broken_rules,
    effective_options,
    parse_option_text,
    validate_option_value,
    validate_options,
)
from archipelago.container.manifest.package import load_package
from archipelago.container.reports.options import option_views
from archipelago.errors import ErrorCode
from support import app_manifests
from support.checkout import APPS

SWITCH = BoolOption(type="bool", label="Switch", default=False)
CACHE = IntOption(type="int", label="Cache", default=450, minimum=4, maximum=16384, unit="MiB")
ALIAS = StringOption(type="string", label="Alias", default="a", pattern="[a-z]+", max_length=8)
CHAIN = ChoiceOption(type="choice", label="Chain", default="main", choices=("main", "regtest"))


def app(**changes: Any) -> AppManifest:
    """Return an app with one option of each kind."""
    parts: dict[str, Any] = {
        "options": {"txindex": SWITCH, "db_cache": CACHE, "alias": ALIAS, "chain": CHAIN},
        "rules": [{"when": {"txindex": True}, "require": {"db_cache": 450}, "because": "why not"}],
        "containers": {"main": {"build": {"type": "packages", "packages": ["tor"]}}},
    }
    return app_manifests.app("node", **parts | changes)


@pytest.mark.parametrize(
    ("option", "value"),
    [(SWITCH, True), (CACHE, 4), (CACHE, 16384), (ALIAS, "abcdefgh"), (CHAIN, "regtest")],
)
def test_values_that_fit(option: Option, value: object) -> None:
    assert validate_option_value(option, value) is value


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**60])
def test_a_number_that_not_every_program_keeps_is_refused_whatever_the_bounds(value: int) -> None:
    wide = IntOption(type="int", label="Wide", default=0, minimum=-(2**62), maximum=2**62)
    with pytest.raises(OptionError, match="from -9007199254740991 to 9007199254740991"):
        validate_options(app(options={"wide": wide}, rules=[]), {"wide": value})
    with pytest.raises(OptionError):
        parse_option_text(wide, str(value))
    # An earlier version let the owner set it; that must not keep the node from starting.
    installed = InstalledApp(app(options={"wide": wide}, rules=[]), {"wide": value})
    assert resolve({}, {"node": installed}, Request()).apps[0].options == {"wide": value}


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        (SWITCH, 1, "value: cannot be 1; expected true or false"),
        (SWITCH, "true", "value: cannot be 'true'; expected true or false"),
        (CACHE, True, "value: cannot be true; expected a whole number from 4 to 16384 (MiB)"),
        (CACHE, 4.0, "value: cannot be 4.0; expected a whole number from 4 to 16384 (MiB)"),
        (CACHE, 3, "value: cannot be 3; expected a whole number from 4 to 16384 (MiB)"),
        pytest.param(
            *(CACHE, 10**5000, "value: cannot be a very large number; expected a whole number from 4 to 16384 (MiB)"),
            id="very large",
        ),
        (
            ALIAS,
            "abcdefghi",
            "value: cannot be 'abcdefghi'; expected one line of at most 8 characters that matches [a-z]+",
        ),
        (ALIAS, "ab1", "value: cannot be 'ab1'; expected one line of at most 8 characters that matches [a-z]+"),
        (ALIAS, "ab\n", "value: cannot be 'ab\\n'; expected one line of at most 8 characters that matches [a-z]+"),
        (ALIAS, None, "value: cannot be nothing; expected one line of at most 8 characters that matches [a-z]+"),
        (CHAIN, "regtset", "value: cannot be 'regtset'; expected one of: main, regtest; did you mean 'regtest'?"),
        (CHAIN, ["main"], "value: cannot be a list; expected one of: main, regtest"),
    ],
)
def test_values_that_do_not_fit(option: Option, value: object, expected: str) -> None:
    with pytest.raises(OptionError) as caught:
        validate_option_value(option, value)
    assert str(caught.value) == expected
    assert caught.value.code is ErrorCode.INVALID_OPTION


@pytest.mark.parametrize("text", ["a\nrpcallowip=0.0.0.0/0", "a\r", "a\0", "\x1b[2J", "\u2028", "\ud800", "\x85"])
def test_a_text_cannot_begin_a_line_of_its_own(text: str) -> None:
    with pytest.raises(OptionError):
        validate_option_value(StringOption(type="string", label="x", default=""), text)


def test_numbers_without_bounds_stay_within_what_javascript_carries() -> None:
    option = IntOption(type="int", label="x", default=0)
    assert validate_option_value(option, -MAX_INT) == -MAX_INT
    with pytest.raises(OptionError):
        validate_option_value(option, MAX_INT + 1)


def test_all_problems_come_at_once() -> None:
    with pytest.raises(OptionError) as caught:
        validate_options(app(), {"txindx": True, "db_cache": "5", "chain": "main", "alias": "A"})
    assert [(problem.option, problem.hint) for problem in caught.value.problems] == [
        *(("txindx", "txindex"), ("db_cache", None), ("alias", None))
    ]
    assert str(caught.value).splitlines()[0] == (
        "txindx: there is no such option; expected one of: txindex, db_cache, alias, chain; did you mean 'txindex'?"
    )
    assert validate_options(app(), {"txindex": True, "db_cache": 5}) == {"txindex": True, "db_cache": 5}


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        *((SWITCH, text, True) for text in ("true", "True", "yes", "on", "1")),
        *((SWITCH, text, False) for text in ("false", "no", "OFF", "0")),
        *(
            (CACHE, "550", 550),
            (CACHE, " 550 ", 550),
            (CACHE, "+4", 4),
            (ALIAS, "true", "true"),
            (CHAIN, "main", "main"),
        ),
    ],
)
def test_texts_of_the_command_line(option: Option, text: str, value: object) -> None:
    parsed = parse_option_text(option, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (SWITCH, "maybe"),
        (SWITCH, ""),
        (CACHE, "5.0"),
        (CACHE, "++5"),
        (CACHE, "\u0665\u0665"),
        (CACHE, "9" * 5000),
        (CHAIN, "x"),
    ],
)
def test_texts_that_mean_nothing(option: Option, text: str) -> None:
    with pytest.raises(OptionError):
        parse_option_text(option, text)


def test_a_demand_comes_before_the_owner_and_the_owner_before_the_default() -> None:
    values = effective_options(app(), {"txindex": False, "db_cache": 100, "gone": 1}, {"txindex": True, "other": 2})
    assert values == {"txindex": True, "db_cache": 100, "alias": "a", "chain": "main"}


def test_a_form_is_told_all_that_it_needs() -> None:
    manifest = app(
        options={
            "size": {"type": "int", "label": "Size", "default": 5, "minimum": 1, "maximum": 9, "unit": "MiB"},
            "kind": {"type": "choice", "label": "Kind", "default": "a", "choices": ["a", "b"], "help": "Which"},
            "name": {"type": "string", "label": "Name", "default": "", "pattern": "[a-z]*", "advanced": True},
            "on": {"type": "bool", "label": "On", "default": False},
        },
        rules=[],
    )
    origins = {"size": "owner", "kind": "default", "name": "default", "on": "demand by one, two"}
    values: dict[str, Scalar] = {"size": 7, "kind": "a", "name": "", "on": True}
    planned = PlannedApp(
        app=manifest.id, name="A", version="1", action=Action.REUSE, options=values, option_origins=origins
    )
    size, kind, name, on = option_views(manifest, planned)
    assert (size.value, size.default, size.minimum, size.maximum, size.unit) == (7, 5, 1, 9, "MiB")
    assert (size.set_by_owner, kind.set_by_owner) == (True, False)
    assert (kind.choices, kind.help, name.pattern, name.advanced, name.max_length) == (
        ("a", "b"),
        "Which",
        "[a-z]*",
        True,
        200,
    )
    assert (on.value, on.demanded_by) == (True, ("one", "two"))
    assert [each.value for each in option_views(manifest, None)] == [5, "a", "", False]


def test_rules_tell_true_from_one() -> None:
    manifest = app()
    values = effective_options(manifest, {}, {})
    assert broken_rules(manifest, values) == []
    assert broken_rules(manifest, values | {"txindex": True}) == []
    assert broken_rules(manifest, values | {"txindex": True, "db_cache": 5}) == list(manifest.rules)
    assert broken_rules(manifest, values | {"txindex": 1, "db_cache": 5}) == []


@given(st.sampled_from([SWITCH, CACHE, ALIAS, CHAIN]), st.text() | st.integers() | st.none() | st.lists(st.integers()))
def test_any_value_fits_or_is_refused(option: Option, value: object) -> None:
    try:
        assert validate_option_value(option, value) is value
    except OptionError as error:
        assert error.problems[0].expected


@given(st.integers(4, 16384))
def test_what_is_shown_can_be_typed(number: int) -> None:
    assert parse_option_text(CACHE, str(number)) == number


def test_a_pattern_with_words_is_told_in_words() -> None:
    spoken = ALIAS.model_copy(update={"form": "lower case letters"})
    with pytest.raises(OptionError) as refused:
        validate_option_value(spoken, "ab1")
    assert "expected one line of at most 8 characters: lower case letters" in str(refused.value)
    assert "[a-z]" not in str(refused.value)


@pytest.mark.parametrize("path", sorted(APPS.glob("*/manifest.yml")), ids=lambda path: path.parent.name)
def test_no_app_of_the_catalog_tells_its_owner_a_regular_expression(path: Path) -> None:
    options = load_package(path.parent).manifest.options.values()
    assert [each.label for each in options if isinstance(each, StringOption) and each.pattern and not each.form] == []
