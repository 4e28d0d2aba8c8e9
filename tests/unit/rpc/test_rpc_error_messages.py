"""Errors on the wire say what their texts were made of, for clients that translate them."""

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.errors import error_object, internal_error
from archipelago.support.texts.text import msg


def test_an_error_has_its_english_text_and_the_messages_of_it() -> None:
    error = error_object(
        NodeError(
            ErrorCode.NOT_INSTALLED, msg("{app} is not installed", app="tor"), hint=msg("log in"), data={"app": "tor"}
        )
    )
    assert error["message"] == "tor is not installed"
    assert error["data"] == {
        "app": "tor",
        "name": "not-installed",
        "hint": "log in",
        "messages": {
            "message": {"key": "{app} is not installed", "parameters": {"app": "tor"}},
            "hint": {"key": "log in", "parameters": {}},
        },
    }


def test_an_error_in_english_alone_has_none() -> None:
    assert "messages" not in error_object(NodeError(ErrorCode.INTERNAL, "as a library says it"))["data"]


def test_an_error_of_the_protocol_can_be_translated_too() -> None:
    assert error_object(internal_error())["data"]["messages"]["message"]["parameters"] == {}
