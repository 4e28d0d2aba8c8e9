"""Commands about the node's key and the secrets of apps."""

import random
import sys
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.commands.apps.changes import finish
from archipelago.cli.consent import agree
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json, NoWait, Yes
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.cli.stdin import read_lines, read_value, read_words

_Stdin = Annotated[bool, typer.Option("--stdin", help="Read it from standard input, for scripts.")]
_AllOfStdin = Annotated[bool, typer.Option("--stdin", help="Take all of standard input, for scripts and for keys.")]
_ASKED = 3
"""Words that show that somebody has all of them."""
_Name = Annotated[str, typer.Argument(metavar="NAME", help="As shown in the list.")]


def key_status(json: Json = False) -> None:
    """Show how the node's key is stored."""
    found = Client().call("key-status")
    if json:
        show_json(found)
        return
    meaning = {
        "plain": "in a file: the node boots by itself, and whoever has the disk has the secrets",
        "unlocked": "wrapped by your passphrase, and in memory until the node ends",
        "locked": "locked: 'archipelago key unlock'",
        "missing": "missing: 'archipelago key restore'",
    }
    show(f"The node's key is {meaning[found['state']]}.")


def key_unlock(stdin: _Stdin = False) -> None:
    """Unlock the node after a start."""
    Client().call("key-unlock", passphrase=_ask("Passphrase", stdin))
    show("The node is unlocked, and starts.")


def key_protect(stdin: _Stdin = False) -> None:
    """Encrypt the node's key with a passphrase. With --stdin: the new passphrase, then the current one, a line each."""
    client = Client()
    wrapped = client.call("key-status")["state"] == "unlocked"
    current: str | None
    if stdin:
        new, current = (
            (*read_lines("New and current passphrase", 2),) if wrapped else (*read_lines("Passphrase", 1), None)
        )
    else:
        current = _ask("Current passphrase", False) if wrapped else None
        new = _ask("New passphrase", False, twice=True)
    client.call("key-protect", passphrase=new, current=current)
    show("After each start the node waits for 'archipelago key unlock'. Keep the 24 words: 'archipelago key phrase'.")


def key_unprotect(stdin: _Stdin = False) -> None:
    """Store the node's key in a file, so that the node starts without a passphrase."""
    Client().call("key-unprotect", current=_ask("Current passphrase", stdin))
    show("The node boots by itself; whoever has its disk has its secrets.")


def key_phrase(stdin: _Stdin = False) -> None:
    """Show the 24 words that restore the node's key."""
    client = Client()
    wrapped = client.call("key-status")["state"] == "unlocked"
    words = client.call("key-phrase", current=_ask("Passphrase", stdin) if wrapped else None)
    show(words)
    show("Write them down on paper. Whoever has them and a backup has your secrets.", sys.stderr)


def key_restore(stdin: _Stdin = False) -> None:
    """Restore the node's key from its 24 words."""
    words = read_words("The 24 words") if stdin else _ask("The 24 words", stdin)
    Client().call("key-restore", words=words)
    show("The key is back.")


def secret_list(app: Installed, json: Json = False) -> None:
    """List the secrets of an app by name."""
    found = Client().call("secret-list", app=app)
    if json:
        show_json(found)
    else:
        rows = ((one["name"], one["created_at"][:19], _remark(one)) for one in found)
        show_table(("NAME", "SINCE", ""), rows)


def _remark(secret: dict[str, Any]) -> str:
    if secret["words"] is None:
        return "for good" if secret["permanent"] else ""
    return f"{secret['words']} words, confirmed" if secret["confirmed"] else f"{secret['words']} words, NOT CONFIRMED"


def secret_show(app: Installed, name: _Name) -> None:
    """Show a secret of an app, in the form that 'secret set --stdin' reads. This is logged in the audit log."""
    show(str(Client().call("secret-show", app=app, name=name)).removesuffix("\n"))


def secret_confirm(app: Installed, name: _Name, stdin: _Stdin = False) -> None:
    """Show that the words of a secret are on paper, by three of them; then the node reminds of it no longer.

    With --stdin: three lines, each with the number of a word and the word, such as '7 ocean'.
    """
    client = Client()
    found = next((one for one in client.call("secret-list", app=app) if one["name"] == name), None)
    if found is None or not found["words"]:
        raise CommandError(
            Exit.REFUSED,
            f"{line(app)} has no secret {line(name)} that is made of words",
            f"'archipelago secret list {line(app)}' shows which is",
        )
    words = [_placed(text) for text in read_lines("Words", _ASKED)] if stdin else _asked(found["words"])
    client.call("secret-confirm", app=app, name=name, words=words)
    show("They are right. The node reminds you no longer.")


def _asked(count: int) -> list[dict[str, Any]]:
    """Ask for words at places that nobody chose."""
    places = sorted(random.SystemRandom().sample(range(1, count + 1), _ASKED))
    return [{"place": place, "word": _ask(f"Word {place}", False)} for place in places]


def _placed(text: str) -> dict[str, Any]:
    number, _, word = text.strip().partition(" ")
    if not number.isdecimal() or not word:
        raise CommandError(
            Exit.USAGE, "a line is the number of a word and the word, such as '7 ocean'", "nothing was changed"
        )
    return {"place": int(number), "word": word}


def secret_set(
    app: Installed,
    name: _Name,
    stdin: _AllOfStdin = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Set a secret of an app. Containers that use it are recreated, after you have agreed to those of other apps.

    With --stdin, all of standard input is the value: one line without its end, several lines byte for byte, such as
    the file of a key.
    """
    client = Client()
    value = read_value("Value") if stdin else _ask("Value", stdin, twice=True)
    agreed = _agree(client, app, name, yes)
    finish(client, client.call("secret-set", app=app, name=name, value=value, agreed=agreed), no_wait, json)


def secret_rotate(
    app: Installed,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One secret. Default: all.")] = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Replace secrets of an app with new ones. Containers that use them are recreated, those of other apps too."""
    client = Client()
    agreed = _agree(client, app, name, yes)
    finish(client, client.call("secret-rotate", app=app, name=name, agreed=agreed), no_wait, json)


def _agree(client: Client, app: str, name: str | None, yes: bool) -> list[str]:
    """Show which other apps may restart, and ask where there are any; return them."""
    preview = client.call("secret-preview", app=app, name=name)
    restarts: list[str] = preview["restarts"]
    agree(app, "Change it?", yes, stops=(), restarts=restarts, interrupts=preview["interrupts"])
    return restarts


def _ask(what: str, stdin: bool, *, twice: bool = False) -> str:
    if stdin:
        return read_lines(what, 1)[0]
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, f"there is no terminal to ask for: {what.lower()}", "give it with --stdin")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice))
