"""Commands about what opens backups: ssh-key, password-list, password-add, password-remove, kit."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.backup_targets import only_target
from archipelago.cli.commands.apps.recovery_kit import as_html, as_text
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Json
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.cli.stdin import read_lines

_On = Annotated[str, typer.Option("--target", help="Name of the target. Default: the only one.")]
_Stdin = Annotated[bool, typer.Option("--stdin", help="Read it from standard input, for scripts.")]


def ssh_key() -> None:
    """Show the node's key for machines that are reached over SSH: the line for their authorized_keys."""
    show(line(Client().call("backup-kit")["ssh_key"]))


def password_list(target: _On = "", json: Json = False) -> None:
    """List the passwords that open a repository."""
    client = Client()
    found = client.call("backup-password-list", target=only_target(client, target))
    if json:
        show_json(found)
    else:
        rows = [(each["id"], line(each["label"]), each["created"][:19], "yes" * each["node"]) for each in found]
        show_table(("PASSWORD", "LABEL", "CREATED", "THE NODE'S"), rows)


def password_add(
    target: _On = "",
    label: Annotated[str, typer.Option("--label", help="Whose it is.")] = "owner",
    stdin: _Stdin = False,
) -> None:
    """Add a password of your own to a repository: it opens the repository by restic alone."""
    client = Client()
    where = only_target(client, target)
    client.call("backup-password-add", target=where, password=_ask("New password", stdin, twice=True), label=label)
    show("The password opens the repository. The node uses its own, as before.")


def password_remove(
    password: Annotated[str, typer.Argument(metavar="PASSWORD-ID", help="As shown by 'backup password-list'.")],
    target: _On = "",
) -> None:
    """Remove a password from a repository."""
    client = Client()
    client.call("backup-password-remove", target=only_target(client, target), password=password)
    show("The password does not open the repository any more.")


def kit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file: a page if it ends in .html, else text.")],
    secrets: Annotated[
        bool, typer.Option("--secrets", help="With the 24 words and the password: whoever reads it has everything.")
    ] = False,
    stdin: _Stdin = False,
) -> None:
    """Write the recovery kit, to print and to keep: where the backups are, and how to get everything back."""
    client = Client()
    found, hidden = client.call("backup-kit"), None
    if secrets:
        wrapped = client.call("key-status")["state"] == "unlocked"
        current = _ask("Passphrase of the node's key", stdin) if wrapped else None
        hidden = client.call("backup-kit-secrets", current=current)
    text = (as_html if file.suffix.lower() in (".html", ".htm") else as_text)(found, hidden)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            output.write(text)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CommandError(Exit.FAILED, f"{line(file)} cannot be written: {why}", "name a new file") from error
    show(f"It is in {line(file)}, which only you can read. Print it.")
    if secrets:
        show("Then delete the file: whoever has it and a backup has your secrets.", sys.stderr)


def _ask(what: str, stdin: bool, *, twice: bool = False) -> str:
    if stdin:
        return read_lines(what, 1)[0]
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, f"there is no terminal to ask for: {what.lower()}", "give it with --stdin")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice))
