"""Command about snapshots that are taken by a schedule: snapshot schedule."""

import sys
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Json
from archipelago.cli.output import line, show, show_json, show_table

_EVERY = ("off", "hourly", "daily", "weekly", "node")
_Count = Annotated[int | None, typer.Option(min=0, max=200, metavar="N", help="How many of these are kept.")]


def schedule(
    app: Annotated[str, typer.Argument(metavar="[APP]", help="App; without one, all schedules are shown.")] = "",
    every: Annotated[
        str,
        typer.Option(metavar="off|hourly|daily|weekly|node", help="How often; 'node': as --node says."),
    ] = "",
    node: Annotated[bool, typer.Option("--node", help="The schedule of all apps without one of their own.")] = False,
    keep_hourly: _Count = None,
    keep_daily: _Count = None,
    keep_weekly: _Count = None,
    json: Json = False,
) -> None:
    """Show or change when snapshots are taken by themselves. An app stops for a moment for each."""
    client = Client()
    keep = {"keep_hourly": keep_hourly, "keep_daily": keep_daily, "keep_weekly": keep_weekly}
    given = {name: count for name, count in keep.items() if count is not None}
    if every or given:
        _change(client, app, every, node, given)
    found = client.call("snapshot-schedules")
    if json:
        show_json(found)
        return
    rows = [_row(each) for each in found["apps"] if app in ("", each["app"])]
    show_table(("APP", "EVERY", "KEEPS", "NEXT", "WHY NOT"), [*([] if app else [_row(found["node"])]), *rows])


def _change(client: Client, app: str, every: str, node: bool, keep: dict[str, int]) -> None:
    if bool(app) == node:
        raise CommandError(Exit.USAGE, "name either an app or --node", "nothing was changed")
    if every and every not in _EVERY:
        raise CommandError(Exit.USAGE, f"--every is one of {', '.join(_EVERY)}", "nothing was changed")
    if every == "node":
        if node or keep:
            raise CommandError(Exit.USAGE, "'--every node' stands alone with an app", "nothing was changed")
        client.call("snapshot-schedule-reset", app=app)
        return
    before = client.call("snapshot-schedules")
    known = next((each for each in before["apps"] if each["app"] == app), before["node"])
    settings = {name: known[name] for name in ("every", "keep_hourly", "keep_daily", "keep_weekly")}
    settings |= {**keep, **({"every": every} if every else {})}
    if node:
        client.call("snapshot-schedule-default", **settings)
        return
    client.call("snapshot-schedule-set", app=app, **settings)
    if settings["every"] != "off":
        for remark in client.call("snapshot-preview", app=app)["remarks"]:
            show(line(remark), sys.stderr)


def _row(found: dict[str, Any]) -> tuple[str, str, str, str, str]:
    keeps = f"{found['keep_hourly']} hours, {found['keep_daily']} days, {found['keep_weekly']} weeks"
    name = found["app"] or "(the node)"
    every = found["every"] + ("" if found["own"] or not found["app"] else " (as the node)")
    return name, every, keeps if found["every"] != "off" else "", (found["next"] or "")[:16], found["obstacle"]
