"""Commands about backups: backup now, list, restore, restore-all, extract, check, drill."""

import sys
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.backup_targets import Target, only_target
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.consent import ask
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import AnyInstalled, Json, NoWait, Yes
from archipelago.cli.output import line, show, show_json, show_table

_RESTORE_ALL = "backup-restore-all"
_On = Annotated[str, typer.Option("--target", help="Name of the target. Default: the only one.")]
_Backup = Annotated[str, typer.Option("--backup", help="Start of the id of the backup. Default: the newest one.")]
_App = Annotated[str, typer.Argument(metavar="APP", help="Name of the app; it need not be installed.")]


def now(
    app: AnyInstalled = "",
    target: _On = "",
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Back up an app now. Without one: all apps, to all targets unless you name one; the node goes on without you."""
    client = Client()
    if app:
        opened = client.call("backup-now", app=app, target=only_target(client, target))
    else:
        opened = client.call("backup-all", targets=[target] if target else None)
    finish(client, opened, no_wait, json)


def list_backups(target: _On = "", json: Json = False) -> None:
    """List the backups on a target, the newest first."""
    client = Client()
    found = client.call("backup-list", target=only_target(client, target))
    if json:
        show_json(found)
    else:
        rows = [(each["id"], line(each["app"]), line(each["version"]), each["at"][:19]) for each in found]
        show_table(("BACKUP", "APP", "VERSION", "AT"), rows)


def restore(
    app: _App, target: _On = "", backup: _Backup = "", yes: Yes = False, no_wait: NoWait = False, json: Json = False
) -> None:
    """Put an app back to a backup, or install it from one. What is there now becomes a snapshot."""
    client = Client()
    where = only_target(client, target)
    if not yes and not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "this needs --yes where nobody can be asked", "nothing was changed")
    if not yes and (reach := client.call("backup-preview", app=app, target=where, backup=backup or None)["reach"]):
        show(f"With the settings that come back, {line(reach)}.", sys.stderr)
    ask(f"Put {line(app)} back to a backup? What it wrote since becomes a snapshot.", yes)
    opened = client.call("backup-restore", app=app, target=where, backup=backup or None)
    finish(client, opened, no_wait, json)


def restore_all(target: _On = "", yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """Install every app that has a backup and is not installed, each from its newest one. It goes on without you."""
    client = Client()
    where = only_target(client, target)
    if (running := _running(client, _RESTORE_ALL)) is not None:
        finish(client, running, no_wait, json)
        return
    there = {each["app"] for each in client.call("container-list")}
    left = sorted({each["app"] for each in client.call("backup-list", target=where)} - there)
    if not left:
        show("every app that has a backup is installed", sys.stderr if json else sys.stdout)
        return
    if not yes and not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "this needs --yes where nobody can be asked", "nothing was changed")
    ask(f"Install from their backups: {line(', '.join(left))}?", yes)
    finish(client, client.call("backup-restore-all", target=where), no_wait, json)


def _running(client: Client, kind: str) -> dict[str, Any] | None:
    """Return the operation of a kind that goes on, such as one whose command was interrupted."""
    found: list[dict[str, Any]] = client.call("operation-list")
    return next((each for each in found if each["kind"] == kind and each["state"] in ("pending", "running")), None)


def extract(
    app: _App,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Path in the backup, such as volumes/data/photo.jpg.")],
    to: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
    target: _On = "",
    backup: _Backup = "",
) -> None:
    """Restore one file or folder of a backup."""
    client = Client()
    where = only_target(client, target)
    client.call("backup-extract", app=app, target=where, backup=backup or None, path=path, to=to)
    show(f"It is in {line(to)}.")


def check(target: Target) -> None:
    """Check a repository, and read a part of it."""
    Client().call("backup-check", target=target)
    show("The repository is whole.")


def drill(
    app: AnyInstalled = "", target: _On = "", backup: _Backup = "", no_wait: NoWait = False, json: Json = False
) -> None:
    """Prove that a backup can be restored. Without an app: the newest one of each app, on all targets or on one."""
    client = Client()
    if app:
        opened = client.call("backup-drill", app=app, target=only_target(client, target), backup=backup or None)
    elif backup:
        raise CommandError(Exit.USAGE, "--backup needs the app whose backup it is", "nothing was done")
    else:
        opened = client.call("backup-drill-all", targets=[target] if target else None)
    finish(client, opened, no_wait, json)
