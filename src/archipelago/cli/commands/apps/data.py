"""Commands about data of apps that is lost, outlived its app or proves claims to money: those of `data`."""

import sys
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.consent import ask
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json, Yes
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.support.texts.sizes import size_words

_App = Annotated[str, typer.Argument(metavar="APP", help="App whose data it is.")]
_Kept = Annotated[str, typer.Argument(metavar="KEPT", help="Id of the kept data, as shown by 'data list'.")]


def list_kept(json: Json = False) -> None:
    """List the data with keys to money that was kept when its app was removed."""
    found = Client().call("data-list")
    if json:
        show_json(found)
        return
    rows = [
        (
            one["app"],
            one["kept"],
            one["version"],
            ", ".join(f"{v['name']} {size_words(v['size'])}" for v in one["volumes"]),
        )
        for one in found
    ]
    show_table(("APP", "KEPT", "VERSION", "VOLUMES"), rows)


def restore(app: _App, kept: _Kept) -> None:
    """Restore kept data for the next installation of its app."""
    Client().call("data-restore", app=app, kept=kept)
    show(f"'archipelago install {line(app)}' finds it.")


def delete(app: _App, kept: _Kept, yes: Yes = False) -> None:
    """Delete kept data for good."""
    _must_ask(yes)
    ask(f"Delete the keys to money of {line(app)} that were kept at {line(kept)} forever?", yes)
    Client().call("data-delete", app=app, kept=kept)


def start_empty(app: Installed, yes: Yes = False) -> None:
    """Replace the lost volumes of an app by empty ones, and start it."""
    client = Client()
    lost = [one for one in client.call("container-status", app=app)["lost_volumes"] if one["lost"]]
    if not lost:
        raise CommandError(Exit.REFUSED, f"no volume of {line(app)} is lost", "nothing was changed")
    _must_ask(yes)
    for one in lost:
        show(line(one["what"]))
    ask("Give up this data, and start with empty volumes?", yes)
    client.call("data-start-empty", app=app, volumes=[one["volume"] for one in lost])


def claim(app: Installed, yes: Yes = False) -> None:
    """Start an app on channel state that may not be the newest, or that another machine may run."""
    client = Client()
    contested = client.call("data-contested", app=app)
    if not contested:
        raise CommandError(Exit.REFUSED, f"nothing speaks against the state of {line(app)}", "nothing was changed")
    _must_ask(yes)
    for one in contested:
        show(f"{line(one['what'])}.")
    show("An older state, or the same one on two machines, loses all the money in its channels.")
    if not yes and typer.prompt(f"Type '{line(app)}' if this is the newest, and no other machine ever runs it") != app:
        raise CommandError(Exit.REFUSED, "that is not its name", "nothing was changed")
    client.call("data-claim", app=app, evidence=[one["evidence"] for one in contested])


def streams(app: Annotated[str | None, typer.Argument(help="App; all without it.")] = None, json: Json = False) -> None:
    """Show where the newest copies of files are that prove claims to money."""
    found = Client().call("data-streams", app=app)
    if json:
        show_json(found)
        return
    rows = []
    for one in found:
        here = one["problem"] or (f"{one['copies']} copies, {one['at'][:19]}" if one["at"] else "no file yet")
        rows.append((one["app"], one["file"], size_words(one["size"]), "this disk", here))
        for each in one["targets"]:
            there = f"newest, {each['at'][:19]}" if each["current"] else each["problem"] or "not the newest"
            rows.append(("", "", "", each["target"], there))
    show_table(("APP", "FILE", "SIZE", "PLACE", "STATE"), rows)


def _must_ask(yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "this needs --yes where nobody can be asked", "nothing was changed")
