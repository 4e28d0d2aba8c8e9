"""The commands `update`, which brings an app to the version of the catalog and back again, and `update-hours`."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.commands.apps.snapshots import agree_to_restore
from archipelago.cli.consent import agree, ask
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Downgrade, Installed, Json, NoWait, Yes
from archipelago.cli.output import line, show, show_json
from archipelago.cli.views import automatic_words, show_plan


class Switch(StrEnum):
    """Whether something is wanted."""

    ON = "on"
    OFF = "off"


_Undo = Annotated[bool, typer.Option("--undo", help="Undo its last update. What it wrote since becomes a snapshot.")]
_Automatic = Annotated[
    Switch | None,
    typer.Option(metavar="on|off", help="Have its updates installed by themselves, at night, or no longer."),
]


def update(
    app: Installed,
    downgrade: Downgrade = False,
    undo: _Undo = False,
    automatic: _Automatic = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Update an app to the version of the catalog."""
    client = Client()
    if automatic is not None:
        if downgrade or undo:
            raise CommandError(Exit.USAGE, "--automatic stands alone", "nothing was changed")
        _show_choice(client.call("update-automatic", app=app, on=automatic is Switch.ON), json)
        return
    if undo:
        if downgrade:
            raise CommandError(Exit.USAGE, "--undo and --downgrade exclude each other", "nothing was changed")
        agree_to_restore(client.call("undo-preview", app=app), "Undo the update?", yes)
        finish(client, client.call("container-update-undo", app=app), no_wait, json)
        return
    plan = client.call("plan", app=app)
    changes = {kind: [one["app"] for one in plan["apps"] if one["action"] == kind] for kind in ("restart", "update")}
    if changes["update"]:
        if not json:
            show_plan(plan)
        interrupts, restarts = plan["interrupts"], changes["restart"]
        agree(app, "Update this?", yes, stops=(), restarts=restarts, interrupts=interrupts)
        if plan["warnings"] and not json and not (interrupts or [name for name in restarts if name != app]):
            ask("Update this?", yes)
    wanted = {"app": app, "plan": plan["digest"], **({"downgrade": True} if downgrade else {})}
    finish(client, client.call("container-update", **wanted), no_wait, json)


def update_hours(
    hours: Annotated[str, typer.Argument(metavar="[FROM-TO]", help="Such as 4-7, or 23-3 over midnight.")] = "",
    json: Json = False,
) -> None:
    """Show or change the hours, of the node's local time, in which updates are installed by themselves."""
    client = Client()
    if hours:
        start, dash, end = hours.partition("-")
        if not dash or not all(_is_hour(each) for each in (start, end)):
            raise CommandError(Exit.USAGE, f"{line(hours)} are no hours", "write 4-7, or 23-3 over midnight")
        found = client.call("update-hours-set", from_hour=int(start), to_hour=int(end))
    else:
        found = client.call("update-hours")
    if json:
        show_json(found)
        return
    show(f"between {found['from_hour']}:00 and {found['to_hour']}:00; here it is {line(found['now'][11:16])}")


def _is_hour(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2 and int(text) < 24


def _show_choice(found: dict[str, Any], json: bool) -> None:
    if json:
        show_json(found)
        return
    show(line(f"{found['app']}: {automatic_words(found)}"))
