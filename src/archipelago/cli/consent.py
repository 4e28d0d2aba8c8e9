"""What else a change would stop, restart or interrupt: shown, and agreed to, before it happens."""

import sys
from collections.abc import Sequence
from typing import Any

import typer

from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.output import line, show


def ask(question: str, yes: bool) -> None:
    """Ask the user at a terminal; without one, the command itself is the answer."""
    if yes or not sys.stdin.isatty():
        return
    if not typer.confirm(question):
        raise CommandError(Exit.REFUSED, "you said no", "nothing was changed")


def agree(
    app: str,
    question: str,
    yes: bool,
    *,
    stops: Sequence[str],
    restarts: Sequence[str],
    interrupts: Sequence[str],
    installs: Sequence[str] = (),
) -> None:
    """Say what happens to other apps, and ask where there are any.

    Where nobody can be asked, what stops, restarts or installs other apps needs `--yes`. What is said goes to standard
    error, which leaves the answer of `--json` alone.
    """
    touched = [name for name in (*stops, *restarts, *installs) if name != app]
    others = {
        "are installed, because it needs them then": list(installs),
        "stop as well, because they depend on it": [name for name in stops if name != app],
        "restart as well": [name for name in restarts if name != app],
        "keep running, but cannot use it in the meantime": [name for name in interrupts if name != app],
    }
    for what, apps in others.items():
        if apps:
            show(f"These {what}: {line(', '.join(apps))}.", sys.stderr)
    if touched and not yes and not sys.stdin.isatty():
        names = line(", ".join(touched))
        text = f"{names} would stop, restart or be installed as well: this needs --yes where nobody can be asked"
        raise CommandError(Exit.USAGE, text, "nothing was changed")
    if any(others.values()):
        ask(question, yes)


def agree_to_settings(app: str, preview: dict[str, Any], yes: bool) -> list[str]:
    """Show what a change of options does, and ask where it touches other apps.

    Return those that restart or are installed.
    """
    for change in preview["changes"]:
        show(line(f"{change['what']}: {change['before']} -> {change['after']}"), sys.stderr)
    restarts: list[str] = preview["restarts"]
    installs: list[str] = preview["installs"]
    if app in restarts:
        show(f"{line(app)} restarts.", sys.stderr)
    interrupts = preview["interrupts"]
    agree(app, "Change this?", yes, stops=(), restarts=restarts, interrupts=interrupts, installs=installs)
    return [*restarts, *installs]


def refuse_obstacles(plan: dict[str, Any]) -> None:
    """Raise `CommandError` where something stands in the way of a plan, before anybody is asked."""
    if plan["obstacles"]:
        raise CommandError(Exit.REFUSED, "; ".join(plan["obstacles"]), "nothing was changed; free it, then try again")


def refuse_unseen_updates(plan: dict[str, Any], yes: bool) -> None:
    """Raise `CommandError` where an installation updates apps that are there, and nobody can be asked."""
    updates = [app["app"] for app in plan["apps"] if app["action"] == "update"]
    if updates and not yes and not sys.stdin.isatty():
        text = f"{line(', '.join(updates))} would be updated first: this needs --yes where nobody can be asked"
        raise CommandError(Exit.USAGE, text, "nothing was changed")
