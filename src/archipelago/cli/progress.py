"""Follows an operation to its end and shows how far it is."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.output import line, show

if TYPE_CHECKING:
    from rich.table import Column

_ENDED = frozenset({"done", "failed", "cancelled"})
_POLL = 1.0

Report = Callable[[dict[str, Any]], None]


def follow(client: Client, operation: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Return the operation once it has ended; it goes on when the user interrupts."""
    try:
        if quiet:
            return _until_ended(client, operation, lambda _: None)
        if sys.stderr.isatty():
            return _with_bar(client, operation)
        return _until_ended(client, operation, _plain_report())
    except KeyboardInterrupt:
        text = f"{named(operation)} goes on"
        hint = f"'archipelago operations show {operation['id']}' shows it; '… cancel {operation['id']}' stops it"
        raise CommandError(Exit.INTERRUPTED, line(text), line(hint)) from None


def named(operation: dict[str, Any]) -> str:
    """Return what an operation is called; one about the whole node has no app."""
    return f"{operation['kind']} of {operation['app']}" if operation["app"] else str(operation["kind"])


def current_step(operation: dict[str, Any]) -> str:
    """Return what the operation does now, in words."""
    running = next((step for step in operation["steps"] if step["state"] == "running"), None)
    if running is None:
        return str(operation["state"])
    text = f"{running['name']}: {running['detail']}" if running["detail"] else running["name"]
    return line(text)


def _until_ended(client: Client, operation: dict[str, Any], report: Report) -> dict[str, Any]:
    report(operation)
    while operation["state"] not in _ENDED:
        operation = client.call("operation-wait", id=operation["id"], timeout=_POLL)
        report(operation)
    return operation


def _plain_report() -> Report:
    said = ""

    def report(operation: dict[str, Any]) -> None:
        nonlocal said
        text = current_step(operation)
        if text != said:
            show(f"{operation['percent']:3.0f} %  {text}", sys.stderr)
            said = text

    return report


def _kept(column: "Column") -> "Column":
    column.no_wrap, column.overflow = True, "ellipsis"
    return column


def _with_bar(client: Client, operation: dict[str, Any]) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    title = line(f"{operation['kind']} {operation['app']}".rstrip())
    console = Console(stderr=True)
    # What says how far it is keeps its place; the words about the step take what is left, and are cut off at the end.
    bar = min(40, max(8, console.width // 5))
    columns = (
        TextColumn("{task.description}", markup=False, table_column=_kept(Column(max_width=console.width // 4))),
        BarColumn(bar_width=bar, table_column=_kept(Column(min_width=bar))),
        TaskProgressColumn(table_column=_kept(Column(min_width=4))),
        TimeElapsedColumn(table_column=_kept(Column(min_width=7))),
        TextColumn("{task.fields[step]}", markup=False, table_column=_kept(Column(ratio=1))),
    )
    with Progress(*columns, console=console, expand=True) as progress:
        task = progress.add_task(title, total=100, step="")
        return _until_ended(
            client,
            operation,
            lambda now: progress.update(task, completed=now["percent"], step=current_step(now), refresh=True),
        )
