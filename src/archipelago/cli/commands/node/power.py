"""Commands about the node as a whole: power, resources, disk."""

from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.consent import ask
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Json, Yes
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.support.texts.sizes import size_words

_WORDS = {
    "restart": "The node restarts; apps keep running.",
    "stop": "All apps are stopped in order, then the node ends.",
    "reboot": "All apps are stopped in order, then the machine restarts.",
    "power-off": "All apps are stopped in order, then the machine is turned off.",
}


def power(
    action: Annotated[str, typer.Argument(metavar="restart|stop|reboot|power-off")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Restart or stop the node, or the machine that it is on."""
    if action not in _WORDS:
        raise CommandError(Exit.USAGE, f"power: {action!r} is none of {', '.join(_WORDS)}")
    if not json:
        show(_WORDS[action])
        if action != "restart":
            ask("Go on?", yes)
    done = Client().call("system-power", action=action)
    if json:
        show_json(done)


def resources(json: Json = False) -> None:
    """Show the limits and the current use of each app."""
    found = Client().call("system-resources")
    if json:
        show_json(found)
        return
    columns = ("APP", "MEMORY", "AT MOST", "CORES", "AT MOST", "PROCESSES AT MOST", "WRITTEN IN A DAY")
    show_table(
        columns,
        [
            (
                app["app"],
                "-" if app["memory_used"] is None else size_words(app["memory_used"]),
                size_words(app["memory_limit"]),
                "-" if app["cpu_used"] is None else f"{app['cpu_used']:.2f}",
                f"{app['cpu_limit']:g}",
                app["pids_limit"],
                "-" if app["written_in_a_day"] is None else size_words(app["written_in_a_day"]),
            )
            for app in found["apps"]
        ],
    )
    for each in found["paused"]:
        show(line(f"{each['app']} is paused: {each['reason']}"))
    for each in found["not_enforced"]:
        show(f"Not enforced on this host: {line(each)}")


def _snapshots(found: dict[str, Any] | None) -> str:
    if found is None or not found["bytes"]:
        return "-"
    least = "" if found["counted"] else "at least "
    shares = ", shared blocks included" if found["shares"] else ""
    return f"{least}{size_words(found['bytes'])}{shares}"


def disk(json: Json = False) -> None:
    """Show what the data of each app takes on the disk."""
    found = Client().call("system-disk")
    if json:
        show_json(found)
        return
    show(f"{size_words(found['free'])} of {size_words(found['total'])} are free.")
    show_table(
        ("APP", "TAKES", "SNAPSHOTS", "COUNTED"),
        [
            (
                app["app"],
                "-" if app["bytes"] is None else f"{'' if app['counted'] else 'at least '}{size_words(app['bytes'])}",
                _snapshots(app["snapshots"]),
                app["at"] or "not yet",
            )
            for app in found["apps"]
        ],
    )
    if found["counting"]:
        show("Apps are being counted; ask again in a minute.")
