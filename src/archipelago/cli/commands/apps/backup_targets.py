"""Commands about the targets of backups: targets, add, remove."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Json
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.cli.stdin import read_value

Target = Annotated[str, typer.Argument(metavar="TARGET", help="Name of the target, as shown by 'backup targets'.")]
Folder = Annotated[str, typer.Option("--folder", help="A folder, such as one of a USB disk.")]
Sftp = Annotated[str, typer.Option("--sftp", metavar="USER@HOST:PATH", help="A folder of a machine with SSH.")]
Rest = Annotated[str, typer.Option("--rest", help="URL of a rest-server.")]
S3 = Annotated[str, typer.Option("--s3", help="URL of a server and a bucket.")]
Rclone = Annotated[str, typer.Option("--rclone", metavar="REMOTE:PATH", help="A remote of rclone.")]
User = Annotated[str, typer.Option("--user", help="Login (rest) or access key (s3).")]
Port = Annotated[int, typer.Option("--port", help="Of the SSH server.")]
Fingerprint = Annotated[
    str, typer.Option("--fingerprint", help="Of the SSH server's key, for scripts; otherwise you are asked.")
]
RcloneConfig = Annotated[str, typer.Option("--rclone-config", metavar="FILE", help="What 'rclone config show' prints.")]
AskSecret = Annotated[
    bool, typer.Option("--secret", help="Ask for the password or secret key; from a pipe, standard input is it.")
]


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
    folder: Folder = "",
    sftp: Sftp = "",
    rest: Rest = "",
    s3: S3 = "",
    rclone: Rclone = "",
    user: User = "",
    port: Port = 22,
    fingerprint: Fingerprint = "",
    config: RcloneConfig = "",
    secret: AskSecret = False,
    schedule: Annotated[bool, typer.Option("--schedule/--no-schedule", help="Back up once a day.")] = True,
    json: Json = False,
) -> None:
    """Add a target. Give one of --folder, --sftp, --rest, --s3, --rclone."""
    client = Client()
    if sum(map(bool, (folder, sftp, rest, s3, rclone))) != 1:
        what = "give one of --folder, --sftp, --rest, --s3 and --rclone"
        raise CommandError(Exit.USAGE, what, "nothing was changed")
    words: dict[str, Any] = {"secret": _secret()} if secret else {}
    if folder:
        settings: dict[str, Any] = {"kind": "folder", "path": folder}
    elif rest:
        settings = {"kind": "rest", "url": rest, "user": user}
    elif s3:
        settings = {"kind": "s3", "url": s3, "access_key": user}
    elif sftp:
        settings = _sftp(client, sftp, port, fingerprint)
    else:
        remote, path = _parts(rclone, ":", "--rclone", "REMOTE:PATH")
        settings, words = {"kind": "rclone", "remote": remote, "path": path}, {"secret": _config(config)}
    found = client.call("backup-target-add", target=name, settings=settings, scheduled=schedule, **words)
    if json:
        show_json(found)
    else:
        show(f"{line(name)} is added. Your 24 recovery words open it: 'archipelago key phrase' shows them.")
        show("Print what gets everything back: 'archipelago backup kit FILE'.")


def remove(target: Target) -> None:
    """Forget a target. What is stored there stays."""
    Client().call("backup-target-remove", target=target)
    show("The target is removed; its backups are still there.")


def only_target(client: Client, target: str) -> str:
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


def _sftp(client: Client, text: str, port: int, fingerprint: str) -> dict[str, Any]:
    """Return the settings of a machine whose host key its owner has agreed to."""
    user, rest = _parts(text, "@", "--sftp", "USER@HOST:PATH")
    bracket = rest.find("]") + 1
    host, path = _parts(rest[bracket:], ":", "--sftp", "USER@HOST:PATH")
    host = rest[:bracket] + host
    met = client.call("backup-ssh", host=host, port=port)
    if fingerprint and fingerprint != met["fingerprint"]:
        what = f"{line(host)} has the host key {line(met['fingerprint'])}, which is another one"
        raise CommandError(Exit.REFUSED, what, "nothing was sent there")
    if not fingerprint:
        show(f"{line(host)} says that the fingerprint of its key is\n  {line(met['fingerprint'])}", sys.stderr)
        show("On that machine, this shows it: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub", sys.stderr)
        _agreed("Are they the same?")
        show(f"Put this line into .ssh/authorized_keys of {line(user)} there:\n{line(met['public_key'])}", sys.stderr)
        _agreed("Is it there?")
    return {"kind": "sftp", "host": host, "port": port, "user": user, "path": path, "host_key": met["host_key"]}


def _agreed(question: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(
            Exit.USAGE, "this needs --fingerprint where nobody can be asked", "'archipelago backup ssh-key' shows ours"
        )
    if not typer.confirm(question):
        raise CommandError(Exit.REFUSED, "you said no", "nothing was changed")


def _parts(text: str, separator: str, option: str, form: str) -> tuple[str, str]:
    before, found, after = text.partition(separator)
    if not found or not before:
        raise CommandError(Exit.USAGE, f"{option} takes {form}", "nothing was changed")
    return before, after


def _config(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8") if file else read_value("Configuration of rclone")
    except (OSError, ValueError) as error:
        raise CommandError(
            Exit.USAGE, f"{line(file)} cannot be read", "write it with: rclone config show > FILE"
        ) from error


def _words(app: dict[str, Any]) -> tuple[str, str, str]:
    newest = (app["newest"] or "never")[:19] + (" (overdue)" if app["overdue"] else "")
    failed = app["proof"] is not None and not app["proof"]["passed"]
    proved = (app["proved"] or "not yet")[:19] + (" (the last trial failed)" if failed else "")
    return line(app["app"]), newest, proved


def _secret() -> str:
    return getpass.getpass("Secret: ") if sys.stdin.isatty() else read_value("Secret")
