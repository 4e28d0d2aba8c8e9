"""The command that gets a whole node back on a new machine: backup restore-node."""

import sys
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps import backup_targets, backups
from archipelago.cli.commands.security.secrets import key_restore
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.output import line

_Name = Annotated[str, typer.Option("--target", help="What you call the target.")]


def restore_node(
    folder: backup_targets.Folder = "",
    sftp: backup_targets.Sftp = "",
    rest: backup_targets.Rest = "",
    s3: backup_targets.S3 = "",
    rclone: backup_targets.Rclone = "",
    user: backup_targets.User = "",
    port: backup_targets.Port = 22,
    fingerprint: backup_targets.Fingerprint = "",
    config: backup_targets.RcloneConfig = "",
    secret: backup_targets.AskSecret = False,
    name: _Name = "restored",
) -> None:
    """Get everything back on a new machine, from your 24 words and a target. From a pipe, standard input is the words.

    The node goes on when the command is interrupted. Run it again to see how far it is, or for what is missing.
    """
    client = Client()
    if name not in {str(each["name"]) for each in client.call("backup-targets")}:
        key_restore(stdin=not sys.stdin.isatty())
        backup_targets.add(
            name,
            folder=folder,
            sftp=sftp,
            rest=rest,
            s3=s3,
            rclone=rclone,
            user=user,
            port=port,
            fingerprint=fingerprint,
            config=config,
            secret=secret,
        )
    if not client.call("backup-list", target=name):
        raise CommandError(Exit.NOT_FOUND, f"there are no backups on {line(name)}", "check where they are")
    backups.restore_all(target=name, yes=True)
