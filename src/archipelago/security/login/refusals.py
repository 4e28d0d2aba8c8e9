"""Errors for callers without the permission; they reveal no more than the caller may know."""

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


def wrong() -> NodeError:
    """Return the refusal of a login; whether there is such an account it does not say."""
    return NodeError(
        ErrorCode.WRONG_CREDENTIALS,
        msg("name, password or code is wrong"),
        hint=msg("on the node itself, 'archipelago password' sets a new password"),
    )


def no_account(name: str) -> NodeError:
    """Return the refusal of a change of an account that is not there."""
    return NodeError(
        ErrorCode.INVALID_VALUE, msg("there is no account {name}", name=name), hint=msg("user-list shows them")
    )
