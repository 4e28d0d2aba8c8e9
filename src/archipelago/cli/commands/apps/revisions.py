"""Commands about the configurations that an app has had: history, rollback."""

from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.consent import agree_to_settings
from archipelago.cli.options import Installed, Json, NoWait, Yes
from archipelago.cli.output import line, show, show_json, show_table

_App = Annotated[str, typer.Argument(metavar="APP", help="An app, installed or not.")]
_Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number in the history.")]


def history(app: _App, json: Json = False) -> None:
    """Show the configurations that an app has had, and what each changed."""
    client = Client()
    found: list[dict[str, Any]] = client.call("config-history", app=app)
    if json:
        show_json(found)
        return
    if not found:
        show("There was none.")
    for newer, older in zip(found, [*found[1:], None], strict=True):
        show(line(f"{newer['number']:>4}  {newer['at'][:19]}  {newer['why']}"))
        if older is not None:
            for change in client.call("config-compare", app=app, before=older["number"], after=newer["number"]):
                show(line(f"        {change['what']}: {_value(change['before'])} -> {_value(change['after'])}"))


def compare(app: _App, before: _Number, after: _Number, json: Json = False) -> None:
    """Compare two configurations."""
    found = Client().call("config-compare", app=app, before=before, after=after)
    if json:
        show_json(found)
    else:
        rows = ((one["what"], _value(one["before"]), _value(one["after"])) for one in found)
        show_table(("SETTING", "BEFORE", "AFTER"), rows)


def rollback(app: Installed, number: _Number, yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """Restore earlier options of an app. Its version and its providers do not change."""
    client = Client()
    preview = client.call("rollback-preview", app=app, number=number)
    agreed = agree_to_settings(app, preview, yes)
    opened = client.call("config-rollback", app=app, number=number, agreed=agreed, plan=preview["plan"])
    finish(client, opened, no_wait, json)


def _value(value: object) -> str:
    return "(not set)" if value is None else str(value)
