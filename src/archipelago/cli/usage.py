"""What was wrong with a command line, in words that do not quote what may be a secret."""

from typer.exceptions import TyperException

from archipelago.cli.errors import CommandError, Exit
from archipelago.support.texts.value_words import sentence

_TOO_MANY = "Got unexpected extra argument"
_TAKES_SECRETS = ("secret set", "password", "user add", "key ")


def usage_failure(error: TyperException, program: str) -> CommandError:
    """Return the failure for a command line that makes no sense."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else program
    hint = f"see '{command} --help'"
    text = error.format_message()
    if text.startswith(_TOO_MANY):
        name = command.removeprefix(f"{program} ")
        if name.startswith(_TAKES_SECRETS):
            hint = "a secret is typed at the prompt, or given with --stdin: other users can read a command line"
        return CommandError(Exit.USAGE, f"there are more arguments than '{command}' takes", hint)
    if (problem := _problem(error)) is not None:
        where, separator, _ = text.partition(f": {error.message}")
        return CommandError(Exit.USAGE, f"{where}: {problem}" if separator else problem, hint)
    return CommandError(Exit.USAGE, text, hint)


def _problem(error: TyperException) -> str | None:
    """Return what a value should have been, where pydantic refused it."""
    errors = getattr(error.__cause__, "errors", None)
    if not callable(errors):
        return None
    first = errors(include_url=False, include_input=False)[0]
    return sentence(first["type"], first.get("ctx", {}), first["msg"], {})
