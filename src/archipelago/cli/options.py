"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError


def _installed(incomplete: str) -> list[str]:
    return _names("container-list", incomplete)


def _available(incomplete: str) -> list[str]:
    return _names("catalog-list", incomplete)


def _names(method: str, incomplete: str) -> list[str]:
    """Return names for the shell to complete; without a node there are none."""
    try:
        found = Client().call(method, wait=2.0)
    except CommandError:
        return []
    return [entry["app"] for entry in found if entry["app"].startswith(incomplete)]


Json = Annotated[bool, typer.Option("--json", help="Print the node's answer as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return as soon as the operation has started.")]
Installed = Annotated[str, typer.Argument(metavar="APP", help="An installed app.", autocompletion=_installed)]
AnyInstalled = Annotated[
    str, typer.Argument(metavar="[APP]", help="An installed app. Default: all.", autocompletion=_installed)
]
Available = Annotated[str, typer.Argument(metavar="APP", help="An app of the catalog.", autocompletion=_available)]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set an option of the app.")]
Choices = Annotated[
    list[str] | None, typer.Option("--choose", metavar="INTERFACE=APP", help="Use this app for an interface.")
]
Downgrade = Annotated[
    bool, typer.Option("--downgrade", help="Go back to an older version, which may not read the data of a newer one.")
]
ContainerName = Annotated[str | None, typer.Option("--container", metavar="NAME", help="One container of the app.")]


def pairs(texts: list[str] | None) -> dict[str, str]:
    """Return KEY=VALUE arguments as a mapping."""
    found: dict[str, str] = {}
    for text in texts or ():
        key, separator, value = text.partition("=")
        if not separator or not key:
            # What stands there may be a secret, so it is not quoted.
            raise typer.BadParameter("expected KEY=VALUE, with '=' after the name of the option")
        if key in found:
            raise typer.BadParameter(f"{key} is set twice")
        found[key] = value
    return found
