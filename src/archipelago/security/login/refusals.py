"""Errors for callers without the permission; they reveal no more than the caller may know."""

from archipelago.errors import ErrorCode, NodeError


def wrong() -> NodeError:
    """Return the refusal of a login; whether there is such an account it does not say."""
    return NodeError(
        ErrorCode.WRONG_CREDENTIALS,
        "name, password or code is wrong",
        hint="on the node itself, 'archipelago password' sets a new password",
    )


def no_account(name: str) -> NodeError:
    """Return the refusal of a change of an account that is not there."""
    return NodeError(ErrorCode.INVALID_VALUE, f"there is no account {name}", hint="user-list shows them")
