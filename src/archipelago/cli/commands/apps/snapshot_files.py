"""Commands that look into snapshots: snapshot look, cat, extract."""

import base64
import sys
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json, NoWait
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.support.texts.sizes import size_words

_Name = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Name of the snapshot, as shown by 'snapshot list'.")]
_Path = Annotated[str, typer.Argument(metavar="PATH", help="Path in it, such as volumes/data/photo.jpg.")]


def look(
    app: Installed,
    snapshot: _Name,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Folder in it, such as volumes/data.")] = "volumes",
    run: Annotated[bool, typer.Option("--run", help="Run a copy of the app from it, without network.")] = False,
    minutes: Annotated[int, typer.Option(min=0, max=60, help="With --run: how long the copy stays up.")] = 0,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Look into a snapshot: list a folder, or see whether the app comes up with it."""
    client = Client()
    if run:
        finish(client, client.call("snapshot-look", app=app, snapshot=snapshot, minutes=minutes), no_wait, json)
        return
    if minutes:
        raise CommandError(Exit.USAGE, "--minutes is for --run", "leave it out to list files")
    found = client.call("snapshot-files", app=app, snapshot=snapshot, path=path)
    entries, more = list(found["entries"]), found["more"]
    while more:
        page = client.call("snapshot-files", app=app, snapshot=snapshot, path=path, after=entries[-1]["name"])
        entries += page["entries"]
        more = page["more"] and page["entries"]
    if json:
        show_json({**found, "entries": entries, "more": False})
        return
    rows = [
        (
            each["name"] + {"folder": "/", "link": f" -> {each['target']}"}.get(each["kind"], ""),
            size_words(each["size"]) if each["kind"] == "file" else each["kind"],
            (each["modified"] or "")[:19],
        )
        for each in entries
    ]
    show_table(("NAME", "SIZE", "CHANGED"), rows)
    if not found["complete"]:
        show("The folder has too many files to look at all of them in time; some are missing here.", sys.stderr)


def cat(app: Installed, snapshot: _Name, path: _Path) -> None:
    """Write a file of a snapshot to the standard output."""
    if sys.stdout.isatty():
        raise CommandError(
            Exit.USAGE, "a file may take over the terminal", "send it to a file or a program: … | less, or … > FILE"
        )
    client, offset, size = Client(), 0, 1
    while offset < size:
        piece = client.call("snapshot-file", app=app, snapshot=snapshot, path=path, offset=offset)
        content, size = base64.b64decode(piece["content"]), piece["size"]
        if not content:
            break
        sys.stdout.buffer.write(content)
        offset += len(content)
    sys.stdout.buffer.flush()


def extract(
    app: Installed,
    snapshot: _Name,
    path: _Path,
    to: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
) -> None:
    """Restore one file or folder of a snapshot. The app stays as it is."""
    made = Client().call("snapshot-extract", app=app, snapshot=snapshot, path=path, to=to)
    show(f"It is in {line(to)}.")
    if left_out := made["left_out"]:
        show(
            f"{left_out} of its entries are left out: devices, pipes, sockets, or folders too deep in others.",
            sys.stderr,
        )
