"""Commands about snapshots: snapshot list, take, restore, delete, undo-restore."""

import sys
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.consent import ask
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json, NoWait, Yes
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.support.texts.sizes import size_words

_Name = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Name of the snapshot, as shown by 'snapshot list'.")]
_KINDS = {
    "manual": "taken by you",
    "scheduled": "taken by the schedule",
    "before-update": "before an update",
    "rejected": "left by an update that was taken back",
    "before-restore": "before a restore",
    "backup": "on its way to or from a backup",
}


def list_snapshots(app: Installed, json: Json = False) -> None:
    """List the snapshots of an app, the newest first."""
    found = Client().call("snapshot-list", app=app)
    if json:
        show_json(found)
        return
    rows = [
        (
            one["name"],
            one["version"],
            ("" if one["counted"] else "more than ") + size_words(one["size"]),
            _KINDS.get(one["kind"], one["kind"])
            + ("; 'update --undo' goes back to it" if one["undoes_update"] else ""),
        )
        for one in found
    ]
    show_table(("SNAPSHOT", "VERSION", "SIZE", "WHY"), rows)


def take(app: Installed, yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """Take a snapshot of an app, which stops for it."""
    client = Client()
    if not json:
        preview = client.call("snapshot-preview", app=app)
        for remark in preview["remarks"]:
            show(line(remark), sys.stderr)
        if preview["left_out"]:
            show(line(f"These volumes are not copied: {', '.join(preview['left_out'])}."), sys.stderr)
        if preview["size"]:
            ask("Take it?", yes)
    finish(client, client.call("snapshot-take", app=app), no_wait, json)


def restore(app: Installed, snapshot: _Name, yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """Put an app back to a snapshot. What is there now becomes a snapshot."""
    client = Client()
    preview = client.call("restore-preview", app=app, snapshot=snapshot)
    agree_to_restore(preview, "Put it back?", yes)
    finish(client, client.call("snapshot-restore", app=app, snapshot=snapshot, stays=preview["stays"]), no_wait, json)


def undo_restore(app: Installed, yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """Put an app back to what it was before its last restore."""
    client = Client()
    found = [one["name"] for one in client.call("snapshot-list", app=app) if one["kind"] == "before-restore"]
    if not found:
        raise CommandError(Exit.REFUSED, f"no snapshot of {line(app)} was restored", "nothing was changed")
    restore(app, found[0], yes, no_wait, json)


def delete(app: Installed, snapshot: _Name, yes: Yes = False) -> None:
    """Delete a snapshot for good."""
    _must_ask(yes)
    client = Client()
    found = {one["name"]: one for one in client.call("snapshot-list", app=app)}
    keys = " It has keys to money." if found.get(snapshot, {}).get("funds") else ""
    ask(f"Delete the snapshot {line(snapshot)} of {line(app)} forever?{keys}", yes)
    client.call("snapshot-delete", app=app, snapshot=snapshot)


def agree_to_restore(preview: dict[str, Any], question: str, yes: bool) -> None:
    """Say what going back to a snapshot does, and ask."""
    apps = ", ".join(preview["apps"])
    show(line(f"{apps}: {preview['version_now']} -> {preview['version']}, as of {preview['at'][:19]}"), sys.stderr)
    for remark in preview["remarks"]:
        show(line(remark), sys.stderr)
    _must_ask(yes)
    ask(question, yes)


def _must_ask(yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "this needs --yes where nobody can be asked", "nothing was changed")
