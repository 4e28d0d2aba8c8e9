"""Commands about what needs attention: notices list, acknowledge, remind, mute, show."""

from enum import StrEnum
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.options import Json
from archipelago.cli.output import line, show, show_json


class RemindIn(StrEnum):
    """When a notice is shown again."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the notice, as shown in the list.")]


def list_notices(
    hidden: Annotated[bool, typer.Option("--hidden", help="Show the hidden ones instead.")] = False,
    json: Json = False,
) -> None:
    """List what needs attention, most serious first."""
    found = Client().call("node-notices", examine=True)
    if json:
        show_json(found)
        return
    chosen = [one for one in found if bool(one["hidden"]) == hidden]
    if not chosen:
        show("nothing is hidden" if hidden else "nothing needs attention")
    for one in chosen:
        how = f" ({one['hidden']})" if one["hidden"] else ""
        show(line(f"{one['level']:<8} {one['text']}{how}"))
        for text in (one["detail"], one["consequence"], one["mend"] and f"fix: {one['mend']}", one["id"]):
            if text:
                show(f"         {line(text)}")
    if not hidden and (aside := sum(bool(one["hidden"]) for one in found)):
        show(f"{aside} hidden: 'archipelago notices list --hidden'")


def acknowledge(notice: _Id) -> None:
    """Hide a notice until it changes."""
    Client().call("node-notice-hide", id=notice)
    show(f"{line(notice)} is hidden until it changes.")


def remind(
    notice: _Id, later: Annotated[RemindIn, typer.Option("--in", help="When it is shown again.")] = RemindIn.DAY
) -> None:
    """Hide a notice for some time, or until it changes."""
    Client().call("node-notice-remind", id=notice, later=later.value)
    show(f"{line(notice)} is hidden for one {later.value}, or until it changes.")


def mute(notice: _Id) -> None:
    """Hide a notice until you show it again."""
    Client().call("node-notice-hide", id=notice, mute=True)
    show(f"{line(notice)} is hidden; 'archipelago notices show {line(notice)}' shows it again.")


def bring_back(notice: _Id) -> None:
    """Show a hidden notice again."""
    Client().call("node-notice-show", id=notice)
    show(f"{line(notice)} is shown again.")
