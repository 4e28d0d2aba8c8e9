"""The command that repairs an app which does not start."""

import sys
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.consent import ask
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json, NoWait, Yes
from archipelago.cli.output import line, show, show_json, show_table

_Repair = Annotated[
    str | None, typer.Argument(metavar="REPAIR", help="One of the app's repairs; without it, list them.")
]


def repair(app: Installed, name: _Repair = None, yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """List the repairs of an app that does not start, or run one."""
    client = Client()
    if name is None:
        _list(client, app, json)
        return
    if not yes and (json or not sys.stdin.isatty()):
        raise CommandError(Exit.USAGE, "a repair needs --yes where nobody can be asked", "nothing was changed")
    if not json:
        preview: dict[str, Any] = client.call("repair-preview", app=app, repair=name)
        show(line(f"{preview['label']}: {preview['description']}"))
        for effect in preview["effects"]:
            show(line(f"  {effect}"))
        if preview["used_by"]:
            show(line(f"Used by: {', '.join(preview['used_by'])}."))
        if preview["funds"]:
            show("IT CHANGES A VOLUME THAT HOLDS KEYS TO MONEY.")
        ask("Do this?", yes)
    finish(client, client.call("container-repair", app=app, repair=name), no_wait, json)


def _list(client: Client, app: str, json: bool) -> None:
    found: list[dict[str, Any]] = client.call("container-status", app=app)["repairs"]
    if json:
        show_json(found)
        return
    if not found:
        show("The app declares no repair.")
        return
    rows = ((each["repair"], "suggested" if each["suggested"] else "", each["label"]) for each in found)
    show_table(("REPAIR", "", "WHAT"), rows)
