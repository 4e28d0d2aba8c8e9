"""Commands about where the node sends notices to: notify list, ntfy, email, webhook, test, remove."""

import getpass
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Json
from archipelago.cli.output import line, show, show_json, show_table
from archipelago.cli.stdin import read_value
from archipelago.support.texts.translation import Language


class NotifyFrom(StrEnum):
    """The level from which notices are sent."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class MailEncryption(StrEnum):
    """How a connection to a mail server is encrypted."""

    TLS = "tls"
    STARTTLS = "starttls"


_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the channel, as shown in the list.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="What you call the channel.")]
_Least = Annotated[NotifyFrom, typer.Option("--from", help="The level from which notices are sent.")]
_Language = Annotated[Language, typer.Option("--language", help="Language of the messages.")]
_Resolved = Annotated[bool, typer.Option("--resolved/--no-resolved", help="Say as well when a problem is gone.")]
_Secret = Annotated[
    bool, typer.Option("--secret", help="Ask for a token, password or key; from a pipe, standard input is it.")
]


def list_channels(json: Json = False) -> None:
    """List the channels by which notices are sent."""
    found = Client().call("notice-channel-list")
    if json:
        show_json(found)
    elif not found:
        show("no channels: 'archipelago notify ntfy' adds one")
    else:
        rows = [(each["id"], line(each["settings"]["name"]), _target(each), _state(each)) for each in found]
        show_table(("ID", "NAME", "TO", "STATE"), rows)


def ntfy(
    name: _Name,
    topic: Annotated[str, typer.Option("--topic", help="Topic; whoever knows it can read it.")],
    server: Annotated[str, typer.Option("--server", help="URL of the server.")] = "https://ntfy.sh",
    secret: _Secret = False,
    least: _Least = NotifyFrom.WARNING,
    resolved: _Resolved = True,
    language: _Language = Language.EN,
    json: Json = False,
) -> None:
    """Send notices to a topic of ntfy. --secret asks for its access token."""
    _add(name, {"kind": "ntfy", "server": server, "topic": topic}, secret, _What(least, resolved, language), json)


def email(
    name: _Name,
    host: Annotated[str, typer.Option("--host", help="Server that sends (SMTP).")],
    sender: Annotated[str, typer.Option("--sender", help="Address that the mail is from.")],
    to: Annotated[str, typer.Option("--to", help="Address that it goes to.")],
    user: Annotated[str, typer.Option("--user", help="Login at the server. Default: none.")] = "",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the server.")] = 465,
    security: Annotated[MailEncryption, typer.Option("--security", help="How it is encrypted.")] = MailEncryption.TLS,
    secret: _Secret = False,
    least: _Least = NotifyFrom.WARNING,
    resolved: _Resolved = True,
    language: _Language = Language.EN,
    json: Json = False,
) -> None:
    """Send notices by e-mail. --secret asks for the password."""
    target = {"kind": "email", "host": host, "port": port, "security": security.value}
    _add(name, {**target, "user": user, "sender": sender, "to": to}, secret, _What(least, resolved, language), json)


def webhook(
    name: _Name,
    url: Annotated[str, typer.Option("--url", help="Where JSON is posted to.")],
    secret: _Secret = False,
    least: _Least = NotifyFrom.WARNING,
    resolved: _Resolved = True,
    language: _Language = Language.EN,
    json: Json = False,
) -> None:
    """Send notices to a URL as JSON. --secret asks for the key of the signature."""
    _add(name, {"kind": "webhook", "url": url}, secret, _What(least, resolved, language), json)


def test(channel: _Id) -> None:
    """Send a test by a channel."""
    Client().call("notice-channel-test", id=channel)
    show("The test has arrived at the server.")


def remove(channel: _Id) -> None:
    """Remove a channel, with the messages that wait for it."""
    Client().call("notice-channel-remove", id=channel)
    show("The channel is removed.")


@dataclass(frozen=True, slots=True)
class _What:
    """What a channel is sent, and how."""

    least: NotifyFrom
    resolved: bool
    language: Language


def _add(name: str, target: dict[str, Any], secret: bool, what: _What, json: bool) -> None:
    settings = {"name": name, "target": target, **asdict(what)}
    found = Client().call("notice-channel-set", settings=settings, secret=_secret() if secret else None)
    if json:
        show_json(found)
    else:
        show(f"{line(name)} is added; 'archipelago notify test {found['id']}' tries it.")


def _secret() -> str:
    if not sys.stdin.isatty():
        return read_value("Secret")
    value = getpass.getpass("Secret: ")
    if not value:
        raise CommandError(Exit.USAGE, "the secret is empty", "nothing was changed")
    return value


def _target(channel: dict[str, Any]) -> str:
    target = channel["settings"]["target"]
    match target["kind"]:
        case "ntfy":
            return f"{line(target['server'])} {line(target['topic'])}"
        case "email":
            return line(target["to"])
        case _:
            return line(target["url"])


def _state(channel: dict[str, Any]) -> str:
    if channel["problem"]:
        return line(f"failed: {channel['problem']}")
    return f"worked at {channel['sent_at'][:19]}" if channel["sent_at"] else "not tried yet"
