"""Commands about backups: backup targets, add, remove, now, list, restore, extract, check, drill."""

import getpass
import sys
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.consent import ask
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json, NoWait, Yes
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.cli.stdin import read_value

_Target = Annotated[str, typer.Argument(metavar="TARGET", help="Name of the target, as shown by 'backup targets'.")]
_On = Annotated[str, typer.Option("--target", help="Name of the target. Default: the only one.")]
_Backup = Annotated[str, typer.Option("--backup", help="Start of the id of the backup. Default: the newest one.")]
_App = Annotated[str, typer.Argument(metavar="APP", help="Name of the app; it need not be installed.")]


def targets(json: Json = False) -> None:
    """List the targets, and when each app was last proved restorable."""
    found = Client().call("backup-targets")
    if json:
        show_json(found)
    elif not found:
        show("no targets: 'archipelago backup add' adds one")
    else:
        rows = [
            (line(each["name"]), line(each["place"]), *words, line(each["problem"]))
            for each in found
            for words in ([_words(app) for app in each["apps"]] or [("", "", "")])
        ]
        show_table(("TARGET", "PLACE", "APP", "NEWEST", "PROVED RESTORABLE", "PROBLEM"), rows)


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call the target.")],
    folder: Annotated[str, typer.Option("--folder", help="A folder, such as one of a USB disk.")] = "",
    rest: Annotated[str, typer.Option("--rest", help="URL of a rest-server.")] = "",
    s3: Annotated[str, typer.Option("--s3", help="URL of a server and a bucket.")] = "",
    user: Annotated[str, typer.Option("--user", help="Login (rest) or access key (s3).")] = "",
    secret: Annotated[
        bool, typer.Option("--secret", help="Ask for the password or secret key; from a pipe, standard input is it.")
    ] = False,
    schedule: Annotated[bool, typer.Option("--schedule/--no-schedule", help="Back up once a day.")] = True,
    json: Json = False,
) -> None:
    """Add a target. Give one of --folder, --rest, --s3."""
    given = [
        *([{"kind": "folder", "path": folder}] if folder else []),
        *([{"kind": "rest", "url": rest, "user": user}] if rest else []),
        *([{"kind": "s3", "url": s3, "access_key": user}] if s3 else []),
    ]
    if len(given) != 1:
        raise CommandError(Exit.USAGE, "give one of --folder, --rest and --s3", "nothing was changed")
    words: dict[str, Any] = {"secret": _secret()} if secret else {}
    found = Client().call("backup-target-add", target=name, settings=given[0], scheduled=schedule, **words)
    if json:
        show_json(found)
    else:
        show(f"{line(name)} is added. Your 24 recovery words open it: 'archipelago key phrase' shows them.")


def remove(target: _Target) -> None:
    """Forget a target. What is stored there stays."""
    Client().call("backup-target-remove", target=target)
    show("The target is removed; its backups are still there.")


def now(app: Installed, target: _On = "", no_wait: NoWait = False, json: Json = False) -> None:
    """Back up an app now."""
    client = Client()
    finish(client, client.call("backup-now", app=app, target=_only(client, target)), no_wait, json)


def list_backups(target: _On = "", json: Json = False) -> None:
    """List the backups on a target, the newest first."""
    client = Client()
    found = client.call("backup-list", target=_only(client, target))
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
    where = _only(client, target)
    if not yes and not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "this needs --yes where nobody can be asked", "nothing was changed")
    ask(f"Put {line(app)} back to a backup? What it wrote since becomes a snapshot.", yes)
    opened = client.call("backup-restore", app=app, target=where, backup=backup or None)
    finish(client, opened, no_wait, json)


def restore_all(target: _On = "", yes: Yes = False) -> None:
    """Install every app that has a backup and is not installed, each from its newest one."""
    client = Client()
    where = _only(client, target)
    there = {each["app"] for each in client.call("container-list")}
    left = list(dict.fromkeys(each["app"] for each in client.call("backup-list", target=where)))
    left = [app for app in left if app not in there]
    if not left:
        show("every app that has a backup is installed")
        return
    if not yes and not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "this needs --yes where nobody can be asked", "nothing was changed")
    ask(f"Install from their backups: {line(', '.join(left))}?", yes)
    while left:
        failed: dict[str, CommandError] = {}
        for app in left:
            try:
                finish(client, client.call("backup-restore", app=app, target=where), no_wait=False, json=False)
            except CommandError as error:
                failed[app] = error  # it may need one that comes later
        if len(failed) == len(left):
            for app, why in failed.items():
                show(line(f"{app}: {why.message}"), sys.stderr)
            raise next(iter(failed.values()))
        left = list(failed)


def extract(
    app: _App,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Path in the backup, such as volumes/data/photo.jpg.")],
    to: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
    target: _On = "",
    backup: _Backup = "",
) -> None:
    """Restore one file or folder of a backup."""
    client = Client()
    where = _only(client, target)
    client.call("backup-extract", app=app, target=where, backup=backup or None, path=path, to=to)
    show(f"It is in {line(to)}.")


def check(target: _Target) -> None:
    """Check a repository, and read a part of it."""
    Client().call("backup-check", target=target)
    show("The repository is whole.")


def drill(app: Installed, target: _On = "", backup: _Backup = "", no_wait: NoWait = False, json: Json = False) -> None:
    """Prove that a backup can be restored."""
    client = Client()
    opened = client.call("backup-drill", app=app, target=_only(client, target), backup=backup or None)
    finish(client, opened, no_wait, json)


def _words(app: dict[str, Any]) -> tuple[str, str, str]:
    newest = (app["newest"] or "never")[:19] + (" (overdue)" if app["overdue"] else "")
    failed = app["proof"] is not None and not app["proof"]["passed"]
    proved = (app["proved"] or "not yet")[:19] + (" (the last trial failed)" if failed else "")
    return line(app["app"]), newest, proved


def _only(client: Client, target: str) -> str:
    """Return the target that is meant."""
    if target:
        return target
    names = [str(each["name"]) for each in client.call("backup-targets")]
    if len(names) == 1:
        return names[0]
    raise CommandError(
        Exit.USAGE,
        "say which target, by --target" if names else "there is no target for backups",
        f"there are {', '.join(names)}" if names else "add one: archipelago backup add",
    )


def _secret() -> str:
    return getpass.getpass("Secret: ") if sys.stdin.isatty() else read_value("Secret")
