"""What is wrong with a parameter is said in sentences, without Python's words, expressions or what was given."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from archipelago.rpc.errors import invalid_params
from archipelago.rpc.methods.table import all_methods
from archipelago.rpc.patterns import PATTERNS

METHODS = {method.name: method for method in all_methods()}
_PYTHON = re.compile(r"Input should|String should|valid (integer|string|dictionary|tuple|boolean)|\^\[|Field required")


def patterns(value: Any) -> Iterator[str]:
    """Return the regular expressions in a JSON schema."""
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        for each in value.values():
            yield from patterns(each)
    elif isinstance(value, list):
        for each in value:
            yield from patterns(each)


def test_each_pattern_of_a_parameter_has_words() -> None:
    found = {
        (method.name, each)
        for method in METHODS.values()
        for each in patterns(TypeAdapter(method.params).json_schema())
    }
    assert found and {each for each in found if each[1] not in PATTERNS} == set()


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        (
            "token-create",
            {"name": "n", "permissions": ["operat"]},
            "permissions.0: expected one of login, discover, re",
        ),
        ("token-create", {"name": "n", "permissions": []}, "permissions: expected at least 1 entry"),
        ("token-create", {"name": "a\n", "permissions": ["read"]}, "name: expected one line of 1 to 64 characters"),
        ("container-status", {"app": "No Such"}, "app: expected lower case letters, digits and single hyphens"),
        ("container-status", {}, "app: it is missing"),
        ("container-status", {"app": "a", "more": 1}, "more: there is no such parameter"),
        ("container-status", {"app": 5}, "app: expected text"),
        ("events-since", {"revision": "x"}, "revision: expected a whole number"),
        ("events-since", {"revision": 0, "limit": 5000}, "limit: expected at most 1000"),
        ("container-stop", {"app": "x" * 50}, "app: expected at most 40 characters"),
        ("secret-set", {"app": "a", "name": "n", "value": ""}, "value: expected at least 1 character"),
    ],
)
def test_a_parameter_that_does_not_fit_is_told_in_a_sentence(method: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        METHODS[method].params.model_validate(params)
    error = invalid_params(method, caught.value)
    assert str(error).startswith(f"{method}: {said}") and not _PYTHON.search(str(error))


def test_an_error_that_is_logged_does_not_quote_what_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        METHODS["user-add"].params.model_validate({"user": "eve", "role": "nobody", "password": ["my secret words"]})
    assert "secret" not in str(caught.value) and "secret" not in str(invalid_params("user-add", caught.value).data)
