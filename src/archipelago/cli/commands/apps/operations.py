"""Commands about the work that the node does: operations list, show, cancel."""

from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.options import Json
from archipelago.cli.output import show_json
from archipelago.cli.views import show_operation, show_operations

_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the operation.")]


def list_operations(
    app: Annotated[str | None, typer.Option("--app", metavar="APP", help="Only those of one app.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many to show.")] = 50,
    json: Json = False,
) -> None:
    """List the newest operations."""
    found = Client().call("operation-list", app=app, limit=limit)
    if json:
        show_json(found)
    else:
        show_operations(found)


def show(operation: _Id, json: Json = False) -> None:
    """Show an operation with its steps."""
    found = Client().call("operation-get", id=operation)
    if json:
        show_json(found)
    else:
        show_operation(found)


def cancel(operation: _Id, json: Json = False) -> None:
    """Ask an operation to stop."""
    found = Client().call("operation-cancel", id=operation)
    if json:
        show_json(found)
    else:
        show_operation(found)
