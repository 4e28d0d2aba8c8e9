"""Commands that only read: plan, list, status, logs, catalog, doctor, events, version; and exec."""

import sys
import time
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.local_doctor import examine_here, with_firewall
from archipelago.cli.options import Available, Choices, ContainerName, Installed, Json, Settings, pairs
from archipelago.cli.output import (
    clean,
    line,
    pass_through,
    show,
    show_facts,
    show_json,
    show_json_line,
)
from archipelago.cli.views import log_line, show_apps, show_catalog, show_findings, show_plan, show_status

_GRACE = 30.0
_LONGEST = 60.0
_POLL = 1.0


def plan(app: Available, settings: Settings = None, choices: Choices = None, json: Json = False) -> None:
    """Show what installing or updating an app will change, and why."""
    found = Client().call("plan", app=app, options=pairs(settings), choices=pairs(choices))
    if json:
        show_json(found)
    else:
        show_plan(found)


def list_apps(json: Json = False) -> None:
    """List the installed apps."""
    found = Client().call("container-list")
    if json:
        show_json(found)
    else:
        show_apps(found)


def status(app: Installed, json: Json = False) -> None:
    """Show the status of an app in detail."""
    found = Client().call("container-status", app=app)
    if json:
        show_json(found)
    else:
        show_status(found)


def logs(
    app: Installed,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for new lines.")] = False,
    tail: Annotated[int, typer.Option("--tail", "-n", min=0, max=10_000, help="Number of old lines to show.")] = 100,
    container: ContainerName = None,
    json: Json = False,
) -> None:
    """Show the log of an app.

    With --follow --json, one JSON object a line.
    """
    client = Client()
    if not follow:
        lines = client.call("container-logs", app=app, container=container, tail=tail)
        if json:
            show_json(lines)
            return
    for each in client.follow_logs(app, container=container, tail=tail) if follow else lines:
        if json:
            show_json_line(each)
            continue
        if missing := each.get("missing"):
            show(f"[{missing} lines of {clean(each['container'])} are missing here: they came too fast]", sys.stderr)
        show(log_line(each))


def execute(
    app: Installed,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="Program and arguments.")],
    container: ContainerName = None,
    interactive: Annotated[bool, typer.Option("--interactive", "-i", help="Forward standard input to it.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Connect it to this terminal.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", min=0.1, max=3600, help="Time limit in seconds. Default: 60, and none with -i or -t."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Run a command inside an app and exit with its exit code.

    Without -i it has no standard input. Use -it for interactive programs.
    """
    if interactive or tty:
        if json:
            raise CommandError(Exit.USAGE, "--json goes with neither -i nor -t", "leave one of them out")
        from archipelago.cli.commands.apps.attach import Attachment, attach

        wanted = Attachment(app, tuple(command), container, interactive, tty, timeout)
        raise typer.Exit(attach(Client(), wanted))
    timeout = timeout or _LONGEST
    result = Client().call(
        "container-exec", wait=timeout + _GRACE, app=app, command=command, container=container, timeout=timeout
    )
    if json:
        show_json(result)
    else:
        pass_through(result["stdout"], sys.stdout)
        pass_through(result["stderr"], sys.stderr)
        if result["truncated"]:
            show("archipelago: the output was too long and is cut off", sys.stderr)
    raise typer.Exit(result["exit_code"])


def catalog(json: Json = False) -> None:
    """List the apps that can be installed."""
    found = Client().call("catalog-list")
    if json:
        show_json(found)
    else:
        show_catalog(found)


def doctor(json: Json = False) -> None:
    """Check host and node, also when the node is down.

    Exits with 1 if a check fails, and with 69 if the only problem is that the node does not answer.
    """
    client = Client()
    silence = None
    try:
        found = with_firewall(client.call("doctor"), client)
    except CommandError as error:
        if error.exit_code is not Exit.UNREACHABLE:
            raise
        silence = error
        found = examine_here(error)
        show(f"archipelago: {line(error.message)}; these are the checks that need no node", sys.stderr)
        show(f"  {line(error.hint)}", sys.stderr)
    if json:
        show_json(found)
    else:
        show_findings(found)
    if any(each["severity"] == "error" and each["check"] != "node" for each in found):
        raise typer.Exit(Exit.FAILED)
    if silence is not None:
        raise typer.Exit(Exit.UNREACHABLE)


def events(
    since: Annotated[int, typer.Option("--since", min=0, help="Only events after this revision.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many of the newest to show.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for new events.")] = False,
    json: Json = False,
) -> None:
    """Show what changed.

    With --follow --json, one JSON object a line.
    """
    client = Client()
    found = client.call("events-since", revision=since, limit=limit, newest=True)
    if json and not follow:
        show_json(found)
        return
    while True:
        for each in found:
            since = each["revision"]
            if json:
                show_json_line(each)
            else:
                show(line(f"{since} {each['at']} {each['kind']} {each['message']}"))
        if not follow:
            return
        if not found:
            time.sleep(_POLL)
        found = client.call("events-since", revision=since, limit=limit)


def version(json: Json = False) -> None:
    """Show the versions of node, host and Podman."""
    found = Client().call("system-info")
    if json:
        show_json(found)
        return
    show_facts(
        (
            ("archipelago", found["version"]),
            ("podman", found["podman"]),
            ("kernel", f"{found['kernel']} {found['architecture']}"),
            ("node", found["node_id"]),
            ("data", found["data_root"]),
        )
    )
    for text in found["not_enforced"]:
        show(f"not enforced: {line(text)}")
