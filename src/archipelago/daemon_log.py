"""The daemon's own log, on standard error: structlog for what the node says, logging for its libraries."""

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

from archipelago.support.quiet_log import LogLimit

_LONGEST = 8192
"""Characters of a line; the middle of a longer one is left out."""
_RENDER = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])


def set_up_log(*, verbose: bool) -> None:
    """Send both logs to standard error, no more than a disk can take."""
    level = logging.DEBUG if verbose else logging.WARNING
    quiet = _Quiet(LogLimit())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            quiet.limit_event,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            _RENDER,
            _short_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_LineLoggers(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(_Short("%(levelname)s %(name)s: %(message)s%(suppressed)s"))
    handler.addFilter(quiet.limit_record)
    logging.basicConfig(handlers=[handler], level=logging.INFO if verbose else logging.WARNING, force=True)


def redact_log(redact: Callable[[str], str]) -> None:
    """Take secrets out of both logs from now on: what apps and Podman say is quoted in them."""

    def hide(_: Any, __: str, line: Any) -> str:
        return redact(line)

    # After the line is rendered, and before its middle is left out: the end of a secret alone would not be known.
    *before, shorten = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, hide, shorten])
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Short):
            handler.formatter.redact = redact


def on_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what asyncio could do nothing about, in one line of a kind that can be counted."""
    error = context.get("exception")
    structlog.get_logger("asyncio").error(
        str(context.get("message", "an error in the event loop")),
        exc_info=error if error is not None else False,
        **({"of": repr(found)} if (found := context.get("task") or context.get("handle")) is not None else {}),
    )


class _LineLoggers:
    """Makes the loggers of structlog. A line for which there is no room is lost, and nothing else with it."""

    def __init__(self, stream: TextIO) -> None:
        self._logger = _LineLogger(stream)

    def __call__(self, *_: object) -> "_LineLogger":
        return self._logger


class _LineLogger:
    """Writes whole lines, and raises nothing: the log may be a file on a full disk, or a pipe that nobody reads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write a line."""
        with contextlib.suppress(OSError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class _Quiet:
    def __init__(self, limit: LogLimit) -> None:
        self._limit = limit

    def limit_event(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Drop an event of structlog, or say how many like it were."""
        left_out = self._limit.admit(f"{event.get('level')} {event.get('event')}", time.monotonic())
        if left_out is None:
            raise structlog.DropEvent
        if left_out:
            event["similar_suppressed"] = left_out
        return event

    def limit_record(self, record: logging.LogRecord) -> bool:
        """Drop a record of logging, or say how many like it were. Its arguments do not make it another kind."""
        left_out = self._limit.admit(f"{record.levelname} {record.name} {record.msg}", time.monotonic())
        record.suppressed = f" ({left_out} similar suppressed)" if left_out else ""
        return left_out is not None


class _Short(logging.Formatter):
    redact: Callable[[str], str] = staticmethod(str)

    def format(self, record: logging.LogRecord) -> str:
        return _shortened(self.redact(super().format(record)))


def _short_line(_: Any, __: str, line: Any) -> str:
    return _shortened(line)


def _shortened(line: str) -> str:
    left_out = len(line) - _LONGEST
    if left_out <= 0:
        return line
    half = _LONGEST // 2
    return f"{line[:half]} … {left_out} characters left out … {line[-half:]}"
