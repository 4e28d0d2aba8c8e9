"""Commands about what needs the owner: notices list, acknowledge, mute, show."""

from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.options import Json
from archipelago.cli.output import line, show, show_json

_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the notice, as the list shows it.")]


def list_notices(
    hidden: Annotated[bool, typer.Option("--hidden", help="Those that were put aside.")] = False,
    json: Json = False,
) -> None:
    """Say what needs you, the gravest first."""
    found = Client().call("node-notices", examine=True)
    if json:
        show_json(found)
        return
    chosen = [one for one in found if bool(one["hidden"]) == hidden]
    if not chosen:
        show("nothing was put aside" if hidden else "nothing needs you")
    for one in chosen:
        how = f" ({one['hidden']})" if one["hidden"] else ""
        show(line(f"{one['level']:<8} {one['text']}{how}"))
        for text in (one["detail"], one["mend"] and f"mend: {one['mend']}", one["id"]):
            if text:
                show(f"         {line(text)}")
    if not hidden and (aside := sum(bool(one["hidden"]) for one in found)):
        show(f"{aside} put aside: 'archipelago notices list --hidden'")


def acknowledge(notice: _Id) -> None:
    """Put a notice aside until it says something else."""
    Client().call("node-notice-hide", id=notice)
    show(f"{line(notice)} is put aside until it changes.")


def mute(notice: _Id) -> None:
    """Put a notice aside until you bring it back."""
    Client().call("node-notice-hide", id=notice, mute=True)
    show(f"{line(notice)} is put aside; 'archipelago notices show {line(notice)}' brings it back.")


def bring_back(notice: _Id) -> None:
    """Bring back a notice that was put aside."""
    Client().call("node-notice-show", id=notice)
    show(f"{line(notice)} is shown again.")
