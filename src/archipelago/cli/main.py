"""The command: names its parts, runs one, and turns every failure into two lines and an exit code."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from archipelago import __version__
from archipelago.cli.commands.apps import changes, data, operations, questions, repairs, revisions
from archipelago.cli.commands.node import network, notices, power
from archipelago.cli.commands.security import accounts, audit, sbom, secrets, security, signers
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.output import line, show, show_json
from archipelago.cli.usage import usage_failure

_PROGRAM = "archipelago"


def build() -> typer.Typer:
    """Return the command with all its parts."""
    root = typer.Typer(
        name=_PROGRAM,
        help="Run a Bitcoin node.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.callback()(_options)
    for name, command in (
        ("install", changes.install),
        ("plan", questions.plan),
        ("list", questions.list_apps),
        ("status", questions.status),
        ("logs", questions.logs),
        ("start", changes.start),
        ("stop", changes.stop),
        ("restart", changes.restart),
        ("remove", changes.remove),
        ("update", changes.update),
        ("config", changes.config),
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
        ("power", power.power),
        ("version", questions.version),
    ):
        root.command(name)(command)
    group = typer.Typer(help="List, show or cancel operations.", no_args_is_help=True)
    group.command("list")(operations.list_operations)
    group.command("show")(operations.show)
    group.command("cancel")(operations.cancel)
    root.add_typer(group, name="operations")
    group = typer.Typer(help="List and hide notices about what needs attention.", no_args_is_help=True)
    group.command("list")(notices.list_notices)
    group.command("acknowledge")(notices.acknowledge)
    group.command("mute")(notices.mute)
    group.command("show")(notices.bring_back)
    root.add_typer(group, name="notices")
    group = typer.Typer(help="Show, verify or export the audit log.", no_args_is_help=True)
    group.command("show")(audit.show)
    group.command("verify")(audit.verify)
    group.command("export")(audit.export)
    root.add_typer(group, name="audit")
    group = typer.Typer(help="Manage lost data, and data that was kept when its app was removed.", no_args_is_help=True)
    group.command("list")(data.list_kept)
    group.command("restore")(data.restore)
    group.command("delete")(data.delete)
    group.command("start-empty")(data.start_empty)
    root.add_typer(group, name="data")
    root.command("password")(accounts.password)
    group = typer.Typer(help="Manage the second factor of a login.", no_args_is_help=True)
    group.command("enable")(accounts.totp_enable)
    group.command("disable")(accounts.totp_disable)
    root.add_typer(group, name="totp")
    group = typer.Typer(help="Manage accounts.", no_args_is_help=True)
    group.command("list")(accounts.user_list)
    group.command("add")(accounts.user_add)
    group.command("remove")(accounts.user_remove)
    root.add_typer(group, name="user")
    group = typer.Typer(help="List or end sessions.", no_args_is_help=True)
    group.command("list")(accounts.session_list)
    group.command("revoke")(accounts.session_revoke)
    root.add_typer(group, name="session")
    group = typer.Typer(help="Manage tokens of programs.", no_args_is_help=True)
    group.command("list")(accounts.token_list)
    group.command("create")(accounts.token_create)
    group.command("revoke")(accounts.token_revoke)
    root.add_typer(group, name="token")
    group = typer.Typer(help="Protect, unlock or restore the node's key.", no_args_is_help=True)
    group.command("status")(secrets.key_status)
    group.command("unlock")(secrets.key_unlock)
    group.command("protect")(secrets.key_protect)
    group.command("unprotect")(secrets.key_unprotect)
    group.command("phrase")(secrets.key_phrase)
    group.command("restore")(secrets.key_restore)
    root.add_typer(group, name="key")
    group = typer.Typer(help="Manage the secrets of apps.", no_args_is_help=True)
    group.command("list")(secrets.secret_list)
    group.command("show")(secrets.secret_show)
    group.command("set")(secrets.secret_set)
    group.command("rotate")(secrets.secret_rotate)
    root.add_typer(group, name="secret")
    group = typer.Typer(help="Manage the trusted signers of images.", no_args_is_help=True)
    group.command("list")(signers.list_signers)
    group.command("accept")(signers.accept)
    group.command("forget")(signers.forget)
    root.add_typer(group, name="signer")
    group = typer.Typer(help="Manage access from the local network.", no_args_is_help=True)
    group.command("status")(network.status)
    group.command("listen")(network.listen)
    group.command("open")(network.open_endpoint)
    group.command("close")(network.close_endpoint)
    group.command("authority")(network.authority)
    group.command("firewall")(network.firewall)
    root.add_typer(group, name="network")
    group = typer.Typer(help="Show how apps are confined.", no_args_is_help=True)
    group.command("report")(security.report)
    group.command("profiles")(security.profiles)
    root.add_typer(group, name="security")
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
        case ["help", *command] if not any(word.startswith("-") for word in command):
            arguments = [*command, "--help"]
    try:
        result: Any = typer.main.get_command(build()).main(arguments, prog_name=_PROGRAM, standalone_mode=False)
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
