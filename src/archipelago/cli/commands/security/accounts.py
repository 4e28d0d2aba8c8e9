"""Commands about who may log in: password, totp, user, session, token."""

import sys
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Json
from archipelago.cli.output import show, show_json, show_table
from archipelago.cli.stdin import read_lines

_User = Annotated[str, typer.Argument(metavar="USER", help="An account.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="As shown in the list.")]
_Stdin = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input, for scripts.")]


def password(
    user: _User = "owner",
    stdin: _Stdin = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also remove the account's passkeys and known devices.")
    ] = False,
) -> None:
    """Set the password of an account, without the old one."""
    passkeys = "remove" if everywhere else "keep"
    Client().call("password-set", user=user, password=_new_password(stdin), passkeys=passkeys)
    show(f"The password of {user} is set; all sessions of {user} have ended.")
    if everywhere:
        show("Its passkeys are gone too.")


def totp_enable(user: _User = "owner") -> None:
    """Set up a second factor for an account."""
    import segno

    client = Client()
    made = client.call("totp-begin", user=user)
    segno.make(made["uri"]).terminal(compact=True)
    show(f"Scan this with an authenticator, or type in {made['secret']}")
    code = typer.prompt("The code that it shows")
    found = client.call("totp-confirm", user=user, code=code)
    show("Keep these recovery codes; each replaces a code of the authenticator once:")
    for each in found["codes"]:
        show(f"  {each}")


def totp_disable(user: _User = "owner") -> None:
    """Remove the second factor of an account."""
    Client().call("totp-disable", user=user)
    show(f"{user} logs in with the password alone.")


def user_list(json: Json = False) -> None:
    """List the accounts."""
    found = Client().call("user-list")
    if json:
        show_json(found)
        return
    rows = ((one["name"], one["role"], "yes" if one["second_factor"] else "no") for one in found)
    show_table(("USER", "ROLE", "SECOND FACTOR"), rows)


def user_add(
    user: _User,
    role: Annotated[str, typer.Option("--role", help="owner, operator or viewer.")] = "viewer",
    stdin: _Stdin = False,
) -> None:
    """Create an account."""
    Client().call("user-add", user=user, role=role, password=_new_password(stdin))
    show(f"{user} may log in as {role}.")


def user_remove(user: _User) -> None:
    """Remove an account."""
    Client().call("user-remove", user=user)
    show(f"{user} is gone.")


def session_list(json: Json = False) -> None:
    """List who is logged in."""
    found = Client().call("session-list")
    if json:
        show_json(found)
        return
    rows = ((one["id"], one["user"], one["used_at"][:19], one["origin"], one["agent"]) for one in found)
    show_table(("ID", "USER", "LAST USED", "FROM", "BROWSER"), rows)


def session_revoke(session: _Id) -> None:
    """End a session at once."""
    Client().call("session-revoke", id=session)
    show("The session has ended.")


def token_list(json: Json = False) -> None:
    """List the tokens of programs."""
    found = Client().call("token-list")
    if json:
        show_json(found)
        return
    rows = ((one["id"], one["name"], " ".join(one["permissions"]), one["expires_at"][:10]) for one in found)
    show_table(("ID", "NAME", "MAY", "UNTIL"), rows)


def token_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    permission: Annotated[
        list[str],
        typer.Option("--may", metavar="PERMISSION…", help="For example read. Separate several by spaces or commas."),
    ],
    more: Annotated[list[str] | None, typer.Argument(metavar="[PERMISSION]…", hidden=True)] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Days until it expires.")] = 365,
    json: Json = False,
) -> None:
    """Create a token for a program. It is shown only once."""
    # What stands behind the first word of --may is an argument to the parser.
    permissions = [word for text in (*permission, *(more or ())) for word in text.replace(",", " ").split()]
    made = Client().call("token-create", name=name, permissions=permissions, days=days)
    if json:
        show_json(made)
    else:
        show(made["secret"])
        show("Send it as 'Authorization: Bearer …', or give it to this command as ARCHIPELAGO_TOKEN.", sys.stderr)


def token_revoke(token: _Id) -> None:
    """Revoke a token."""
    Client().call("token-revoke", id=token)
    show("The token is good for nothing now.")


def _new_password(stdin: bool) -> str:
    if stdin:
        return read_lines("Password", 1)[0]
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "there is no terminal to ask for a password", "give it with --stdin")
    return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
