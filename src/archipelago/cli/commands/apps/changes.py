"""Commands that change something: install, start, stop, restart, remove, config."""

import sys
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.consent import agree, agree_to_settings, ask, refuse_obstacles, refuse_unseen_updates
from archipelago.cli.data_words import class_words
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Available, Choices, Downgrade, Installed, Json, NoWait, Settings, Yes, pairs
from archipelago.cli.output import line, show, show_facts, show_json
from archipelago.cli.progress import follow, named
from archipelago.cli.views import show_plan, titled
from archipelago.support.texts.sizes import size_words


def install(
    app: Available,
    settings: Settings = None,
    choices: Choices = None,
    no_start: Annotated[bool, typer.Option("--no-start", help="Do not start it afterwards.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,
    downgrade: Downgrade = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Install an app and its dependencies."""
    client = Client()
    wanted: dict[str, Any] = {"app": app, "options": pairs(settings), "choices": pairs(choices)}
    if dry_run:
        plan = client.call("container-install", dry_run=True, **wanted)
        if json:
            show_json(plan)
        else:
            show_plan(plan)
        return
    if yes or not json:
        plan = client.call("plan", **wanted)
        if not json:
            show_plan(plan)
        refuse_obstacles(plan)
        refuse_unseen_updates(plan, yes)
        ask("Install this?", yes)
        wanted["plan"] = plan["digest"]
    if downgrade:
        wanted["downgrade"] = True
    finish(client, client.call("container-install", start=not no_start, **wanted), no_wait, json)


def start(app: Installed, no_wait: NoWait = False, json: Json = False) -> None:
    """Start an app, after the apps that it depends on."""
    _change("container-start", no_wait, json, app=app)


def stop(app: Installed, yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """Stop an app, after the apps that depend on it."""
    client = Client()
    preview = client.call("change-preview", app=app, change="stop")
    agree(app, f"Stop {app}?", yes, stops=preview["stops"], restarts=(), interrupts=preview["interrupts"])
    finish(client, client.call("container-stop", app=app, agreed=preview["stops"]), no_wait, json)


def restart(app: Installed, yes: Yes = False, no_wait: NoWait = False, json: Json = False) -> None:
    """Restart an app."""
    client = Client()
    preview = client.call("change-preview", app=app, change="restart")
    agree(app, f"Restart {app}?", yes, stops=(), restarts=(), interrupts=preview["interrupts"])
    finish(client, client.call("container-restart", app=app), no_wait, json)


def remove(
    app: Installed,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete its data as well, except keys to money.")
    ] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Remove an app. Its data stays unless you add --delete-data."""
    client = Client()
    if delete_data and not yes and (json or not sys.stdin.isatty()):
        raise CommandError(Exit.USAGE, "--delete-data needs --yes where nobody can be asked", "nothing was changed")
    if not json:
        status = client.call("container-status", app=app)
        users = ", ".join(status["used_by"])
        show(line(f"{titled(status)} {status['version']} goes: its containers, network and configuration files."))
        if users:
            show(f"Used by: {line(users)}.")
        if delete_data:
            show("ITS DATA IS DELETED TOO, WHICH CANNOT BE UNDONE:")
            preview = client.call("removal-preview", app=app)
            for volume in preview["volumes"]:
                more = "" if volume["counted"] else "more than "
                held = f"  {class_words(volume['data'])}" if volume["data"] else ""
                keys = "  KEYS TO MONEY: kept, with the secrets" if volume["funds"] else ""
                show(f"  {line(volume['name'])}  {more}{size_words(volume['size'])}{held}{keys}")
            show(f"  {preview['secrets']} secrets")
            if any(volume["funds"] for volume in preview["volumes"]):
                show("'archipelago data list' shows what is kept, until you delete it there.")
        else:
            show("Its data and secrets stay; installing it again finds them. --delete-data deletes them.")
        ask("Remove it and delete its data?" if delete_data else "Remove it?", yes)
    finish(client, client.call("container-remove", app=app, delete_data=delete_data), no_wait, json)


def config(
    app: Installed,
    settings: Settings = None,
    reset: Annotated[
        list[str] | None, typer.Option("--reset", metavar="KEY", help="Reset an option to its default.")
    ] = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Show or change the options of an app."""
    client = Client()
    options = pairs(settings)
    if options or reset:
        wanted: dict[str, Any] = {"options": options, "reset": reset or []}
        preview = client.call("config-preview", app=app, **wanted)
        if not json:
            for sentence in preview["data"]:
                show(line(sentence))
        agreed = agree_to_settings(app, preview, yes)
        operation = client.call("container-config", app=app, agreed=agreed, plan=preview["plan"], **wanted)
        finish(client, operation, no_wait, json)
        return
    values: dict[str, Any] = client.call("container-config", app=app)
    if json:
        show_json(values)
    else:
        show_facts((line(key), _value(value)) for key, value in values.items())


def _change(method: str, no_wait: bool, json: bool, **params: Any) -> None:
    client = Client()
    finish(client, client.call(method, **params), no_wait, json)


def finish(client: Client, operation: dict[str, Any], no_wait: bool, json: bool) -> None:
    """Follow an operation, show how it ended, and exit with the code that says so."""
    if not no_wait:
        operation = follow(client, operation, quiet=json)
    if json:
        show_json(operation)
        if operation["state"] in ("failed", "cancelled"):
            raise typer.Exit(Exit.FAILED)
        return
    what = line(named(operation))
    if operation["state"] == "failed":
        error = operation["error"] or {}
        raise CommandError(Exit.FAILED, f"{what} failed: {error.get('message', '')}", error.get("hint", ""))
    if operation["state"] == "cancelled":
        raise CommandError(Exit.FAILED, f"{what} was cancelled", f"'archipelago operations show {operation['id']}'")
    if no_wait and operation["state"] != "done":
        show(f"{what} has started; 'archipelago operations show {line(operation['id'])}' shows how far it is")
    else:
        show(f"{what}: done")
        for step in operation["steps"]:
            # A chain may need days, for which nobody waits; what is not up yet must not look as if it were.
            if step["name"].startswith("start ") and step["detail"] not in ("", "healthy"):
                show(line(f"{step['name'].removeprefix('start ')}: {step['detail']}"))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return '""' if value == "" else str(value)
