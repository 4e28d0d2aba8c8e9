"""Commands about onion services: network tor-key, network tor-node."""

from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json
from archipelago.cli.output import line, show, show_json

_Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its name in the app's manifest.")]


def tor_key(
    app: Installed,
    endpoint: _Endpoint,
    new: Annotated[bool, typer.Option("--new", help="Replace it: the old one opens nothing any longer.")] = False,
    json: Json = False,
) -> None:
    """Show the key with which clients reach an endpoint through Tor."""
    _show_key(Client().call("onion-key-renew" if new else "onion-key", app=app, endpoint=endpoint), json)


def tor_node(
    what: Annotated[str, typer.Argument(metavar="on|off|key|new-key", help="'new-key' replaces the client key.")],
    json: Json = False,
) -> None:
    """Have the node's own page reached through Tor with a client key, or not; show that key."""
    if what in ("key", "new-key"):
        _show_key(Client().call("onion-node-key-renew" if what == "new-key" else "onion-node-key"), json)
        return
    if what not in ("on", "off"):
        raise CommandError(Exit.USAGE, f"network tor-node: {what!r} is none of on, off, key, new-key")
    found = Client().call("onion-node-set", on=what == "on")
    if json:
        show_json(found)
        return
    show(f"The node's page is {'' if what == 'on' else 'not '}reached through Tor")
    if what == "on":
        show("Its address and its client key: 'archipelago network tor-node key'")
    for problem in found["problems"]:
        show(line(f"Problem  {problem}"))


def _show_key(found: dict[str, str], json: bool) -> None:
    if json:
        show_json(found)
        return
    import segno

    show(line(f"Address  {found['address']}"))
    show(line(f"Key      {found['key']}"))
    show(line(f"File     {found['line']}"))
    segno.make(found["key"]).terminal(compact=True)
    show("Tor Browser asks for the key when it opens the address. Another Tor reads the line from a file")
    show("'*.auth_private' in the folder that its ClientOnionAuthDir names.")
