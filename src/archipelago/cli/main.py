"""The command: names its parts, runs one, and turns every failure into two lines and an exit code."""

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from archipelago import __version__
from archipelago.cli.commands.apps import (
    access,
    backup_keys,
    backup_targets,
    backups,
    chains,
    changes,
    data,
    lightning,
    limits,
    node_restore,
    operations,
    questions,
    repairs,
    revisions,
    snapshot_files,
    snapshot_schedules,
    snapshots,
    updates,
)
from archipelago.cli.commands.node import network, notices, notify, onions, power
from archipelago.cli.commands.security import accounts, audit, sbom, secrets, security, signers
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.output import line, show, show_json
from archipelago.cli.usage import usage_failure

_PROGRAM = "archipelago"


Command = Callable[..., int | None]

_COMMANDS: tuple[tuple[str, Command], ...] = (
    ("install", changes.install),
    ("plan", questions.plan),
    ("list", questions.list_apps),
    ("status", questions.status),
    ("open", network.open_app),
    ("access", access.access),
    ("chain", chains.chain),
    ("lightning", lightning.lightning),
    ("logs", questions.logs),
    ("start", changes.start),
    ("stop", changes.stop),
    ("restart", changes.restart),
    ("remove", changes.remove),
    ("update", updates.update),
    ("update-hours", updates.update_hours),
    ("config", changes.config),
    ("limits", limits.limits),
    ("repair", repairs.repair),
    ("exec", questions.execute),
    ("catalog", questions.catalog),
    ("doctor", questions.doctor),
    ("events", questions.events),
    ("history", revisions.history),
    ("compare", revisions.compare),
    ("rollback", revisions.rollback),
    ("sbom", sbom.sbom),
    ("resources", power.resources),
    ("disk", power.disk),
    ("power", power.power),
    ("version", questions.version),
    ("password", accounts.password),
)
"""The commands, in the order in which `--help` lists them."""

_GROUPS: tuple[tuple[str, str, tuple[tuple[str, Command], ...]], ...] = (
    (
        "operations",
        "List, show or cancel operations.",
        (("list", operations.list_operations), ("show", operations.show), ("cancel", operations.cancel)),
    ),
    (
        "notices",
        "List and hide notices about what needs attention.",
        (
            ("list", notices.list_notices),
            ("acknowledge", notices.acknowledge),
            ("remind", notices.remind),
            ("mute", notices.mute),
            ("show", notices.bring_back),
        ),
    ),
    (
        "notify",
        "Have notices sent to you.",
        (
            ("list", notify.list_channels),
            ("ntfy", notify.ntfy),
            ("email", notify.email),
            ("webhook", notify.webhook),
            ("test", notify.test),
            ("remove", notify.remove),
        ),
    ),
    (
        "audit",
        "Show, verify or export the audit log.",
        (("show", audit.show), ("verify", audit.verify), ("export", audit.export)),
    ),
    (
        "data",
        "Manage lost data, and data that was kept when its app was removed.",
        (
            ("list", data.list_kept),
            ("restore", data.restore),
            ("delete", data.delete),
            ("start-empty", data.start_empty),
            ("claim", data.claim),
            ("streams", data.streams),
        ),
    ),
    (
        "snapshot",
        "Manage snapshots of apps.",
        (
            ("list", snapshots.list_snapshots),
            ("take", snapshots.take),
            ("restore", snapshots.restore),
            ("undo-restore", snapshots.undo_restore),
            ("delete", snapshots.delete),
            ("schedule", snapshot_schedules.schedule),
            ("look", snapshot_files.look),
            ("cat", snapshot_files.cat),
            ("extract", snapshot_files.extract),
        ),
    ),
    (
        "backup",
        "Manage backups of apps.",
        (
            ("targets", backup_targets.targets),
            ("add", backup_targets.add),
            ("remove", backup_targets.remove),
            ("now", backups.now),
            ("list", backups.list_backups),
            ("restore", backups.restore),
            ("restore-all", backups.restore_all),
            ("restore-node", node_restore.restore_node),
            ("extract", backups.extract),
            ("check", backups.check),
            ("drill", backups.drill),
            ("kit", backup_keys.kit),
            ("ssh-key", backup_keys.ssh_key),
            ("password-list", backup_keys.password_list),
            ("password-add", backup_keys.password_add),
            ("password-remove", backup_keys.password_remove),
        ),
    ),
    (
        "totp",
        "Manage the second factor of a login.",
        (("enable", accounts.totp_enable), ("disable", accounts.totp_disable)),
    ),
    (
        "user",
        "Manage accounts.",
        (("list", accounts.user_list), ("add", accounts.user_add), ("remove", accounts.user_remove)),
    ),
    (
        "session",
        "List or end sessions.",
        (("list", accounts.session_list), ("revoke", accounts.session_revoke)),
    ),
    (
        "token",
        "Manage tokens of programs.",
        (("list", accounts.token_list), ("create", accounts.token_create), ("revoke", accounts.token_revoke)),
    ),
    (
        "key",
        "Protect, unlock or restore the node's key.",
        (
            ("status", secrets.key_status),
            ("unlock", secrets.key_unlock),
            ("protect", secrets.key_protect),
            ("unprotect", secrets.key_unprotect),
            ("phrase", secrets.key_phrase),
            ("restore", secrets.key_restore),
        ),
    ),
    (
        "secret",
        "Manage the secrets of apps.",
        (
            ("list", secrets.secret_list),
            ("show", secrets.secret_show),
            ("confirm", secrets.secret_confirm),
            ("set", secrets.secret_set),
            ("rotate", secrets.secret_rotate),
        ),
    ),
    (
        "signer",
        "Manage the trusted signers of images.",
        (("list", signers.list_signers), ("accept", signers.accept), ("forget", signers.forget)),
    ),
    (
        "network",
        "Manage access from the local network.",
        (
            ("status", network.status),
            ("listen", network.listen),
            ("tor-key", onions.tor_key),
            ("tor-node", onions.tor_node),
            ("authority", network.authority),
            ("trust", network.trust),
            ("firewall", network.firewall),
        ),
    ),
    (
        "security",
        "Show how apps are confined.",
        (("report", security.report), ("profiles", security.profiles)),
    ),
)
"""Groups of commands: name, help, and what is in each."""


_NAMES = frozenset(name for name, *_ in (*_COMMANDS, *_GROUPS))


def build(first: str = "") -> typer.Typer:
    """Return the command with the part that the first word names, which takes half of the time, or with all parts."""

    def is_needed(name: str) -> bool:
        return name == first or first not in _NAMES

    root = typer.Typer(
        name=_PROGRAM,
        help="Run a Bitcoin node.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.callback()(_options)
    for name, command in _COMMANDS:
        if is_needed(name):
            root.command(name)(command)
    for name, help_text, commands in _GROUPS:
        if not is_needed(name):
            continue
        group = typer.Typer(help=help_text, no_args_is_help=True)
        for subname, command in commands:
            group.command(subname)(command)
        root.add_typer(group, name=name)
    root.command("help")(_help)
    return root


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version of this command, without a node.")
    ] = False,
) -> None:
    """Run a Bitcoin node."""
    if version:
        _show_version()
        raise typer.Exit(Exit.OK)


def _show_version() -> None:
    show(f"{_PROGRAM} {__version__}")


def _help(command: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]…")] = None) -> None:
    """Show the help of a command."""


def main() -> None:
    """Run the command and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _run(arguments: list[str]) -> int:
    match arguments:
        case ["--version"]:
            _show_version()  # without a command, which the parser would miss
            return Exit.OK
        case ["help", *words] if not any(word.startswith("-") for word in words):
            arguments = [*words, "--help"]
    try:
        command = typer.main.get_command(build(*arguments[:1]))
        result: Any = command.main(arguments, prog_name=_PROGRAM, standalone_mode=False)
        return result if isinstance(result, int) else Exit.OK
    except CommandError as error:
        failure = error
    except TyperException as error:
        if error.__class__.__name__ == "NoArgsIsHelpError":
            show(error.format_message())
            return Exit.USAGE
        failure = usage_failure(error, _PROGRAM)
    except (KeyboardInterrupt, typer.Abort):
        failure = CommandError(Exit.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("ARCHIPELAGO_DEBUG"):
            raise
        # Its text may quote an argument, a variable or an answer, and with that a secret.
        text = f"the command itself failed: {type(error).__name__}"
        failure = CommandError(Exit.FAILED, text, "ARCHIPELAGO_DEBUG=1 shows more, maybe a secret; please report it")
    _report(failure, _wants_json(arguments))
    return failure.exit_code


def _report(failure: CommandError, json: bool) -> None:
    show(f"{_PROGRAM}: {line(failure.message)}", sys.stderr)
    if failure.hint:
        show(f"  {line(failure.hint)}", sys.stderr)
    if json:
        show_json({"error": failure.error})


def _wants_json(arguments: list[str]) -> bool:
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in own
