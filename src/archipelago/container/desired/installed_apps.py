"""The records of the installed apps, and the errors for an app that is none of them. Pure."""

from collections.abc import Mapping
from typing import TypeVar

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg

Records = Mapping[str, AppRecord]
_Known = TypeVar("_Known")


def not_installed(app: str) -> NodeError:
    """Return the error NOT_INSTALLED of an app that can be installed."""
    return NodeError(
        ErrorCode.NOT_INSTALLED,
        msg("{app} is not installed", app=app),
        hint=msg("install it with 'archipelago install {app}'", app=app),
        data={"app": app},
    )


def installed(apps: Mapping[str, _Known], app: str) -> _Known:
    """Return what is known of an app that was installed a moment ago. Raises `NodeError` where it is so no longer."""
    if app not in apps:
        raise NodeError(ErrorCode.NOT_INSTALLED, msg("{app} is not installed any more", app=app), data={"app": app})
    return apps[app]
