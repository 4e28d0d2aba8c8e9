"""Texts that remember what they were made of, within views and out of them."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.apps import View
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import Text, error_text, joined, msg
from archipelago.support.texts.translatable import Message, Prose, Translatable


class Said(Translatable, View):
    what: Prose
    list: tuple[Prose, ...] = ()


PARAMETERS = st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(), min_size=1)


def test_is_the_english_text_and_knows_its_template() -> None:
    text = msg("{app} is not installed, only {count} are", app="tor", count=2)
    assert text == "tor is not installed, only 2 are"
    assert isinstance(text, Text)
    assert (text.key, dict(text.parameters)) == (
        "{app} is not installed, only {count} are",
        {"app": "tor", "count": "2"},
    )


@given(PARAMETERS)
def test_says_what_its_parameters_say_whatever_they_are(parameters: dict[str, str]) -> None:
    template = " and ".join(f"{{{name}}}" for name in parameters)
    assert msg(template, **parameters) == " and ".join(parameters.values())


def test_leaves_out_parameters_that_it_does_not_say() -> None:
    text = msg("{app} stops", app="tor", password="hunter2")
    assert isinstance(text, Text)
    assert dict(text.parameters) == {"app": "tor"}


def test_survives_copies() -> None:
    text = msg("start {app}", app=msg("the {what}", what="app"))
    for same in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert isinstance(same, Text)
        assert (same, same.key, same.parameters) == (text, "start {app}", {"app": "the app"})


def test_an_exception_says_the_text_that_was_given_to_it() -> None:
    text = msg("{app} stops", app="tor")
    assert str(ValueError(text)) is text
    assert isinstance(text, Text)
    assert type(text.plain) is str
    assert error_text(ValueError(text)) is text


def test_an_error_is_a_text_with_its_hint() -> None:
    error = NodeError(ErrorCode.BUSY, msg("{app} stops", app="tor"), hint="wait")
    assert error_text(error) == str(error) == "tor stops (wait)"
    assert isinstance(error_text(error), Text)


def test_joins_texts_that_can_still_be_translated() -> None:
    text = joined([msg("{app} stops", app="tor"), "plain"], "; ")
    assert text == "tor stops; plain"
    assert isinstance(text, Text)
    assert isinstance(text.parameters["part1"], Text)
    assert not isinstance(joined(["plain", "as well"], "; "), Text)


@given(PARAMETERS, st.text())
def test_a_view_keeps_what_its_texts_were_made_of(parameters: dict[str, str], plain: str) -> None:
    text = msg(" ".join(f"{{{name}}}" for name in parameters), **parameters)
    view = Said(what=msg("why: {text}", text=text), list=(plain, text))
    again = Said.model_validate_json(view.model_dump_json())
    assert again == view
    assert again.messages == view.messages
    assert set(again.messages) == {"what", "list.1"}


def test_a_view_without_translatable_texts_has_no_messages() -> None:
    assert Said.model_validate({"what": "as earlier versions wrote it"}).messages == {}


def test_a_changed_text_does_not_keep_the_message_of_the_former_one() -> None:
    view = Said(what=msg("start {app}", app="tor"))
    assert view.model_copy(update={"what": "plain"}).messages == {}


def test_a_message_that_says_something_else_than_the_text_is_dropped() -> None:
    stored = {"what": "***", "messages": {"what": {"key": "it is {secret}", "parameters": {"secret": "s3cr3t"}}}}
    assert Said.model_validate(stored).messages == {}
    without = {"what": "it is {secret}", "messages": {"what": {"key": "it is {secret}", "parameters": {}}}}
    assert Said.model_validate(without).messages == {}


@pytest.mark.parametrize(
    "messages", [[], {"what": 1}, {"what": {"key": "a"}}, {"what": {"key": 1, "parameters": {}}}, {"": {}}]
)
def test_malformed_messages_of_another_version_are_passed_over(messages: object) -> None:
    assert Said.model_validate({"what": "plain", "messages": messages}) == Said(what="plain")


def test_a_message_gives_back_its_text() -> None:
    text = msg("why: {text}", text=msg("{app} stops", app="tor"))
    assert isinstance(text, Text)
    assert Message.model_validate_json(Message.of(text).model_dump_json()).text() == text
