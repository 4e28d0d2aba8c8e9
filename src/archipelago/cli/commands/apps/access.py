"""The command about who reaches an app: access."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json
from archipelago.cli.output import line, show, show_json

_KEPT_IN = {
    "no-login": "nobody: it has no login of its own, so whoever reached it could use it",
    "not-published": "nobody: its author does not publish it on this host",
}
_VISITORS = {"ui": "every device of your network; the app asks for a login", "p2p": "every other node of your network"}


class _Switch(StrEnum):
    ON = "on"
    OFF = "off"


class _Onion(StrEnum):
    """Each word with what the API calls it."""

    ON = "on"
    PUBLIC = "public"
    OFF = "off"

    @property
    def access(self) -> str:
        return "clients" if self is _Onion.ON else self.value


def access(
    app: Installed,
    endpoint: Annotated[str | None, typer.Argument(help="One of them; needed where several can be switched.")] = None,
    lan: Annotated[_Switch | None, typer.Option("--lan", help="Open it to the local network, or close it.")] = None,
    tor: Annotated[
        _Onion | None, typer.Option("--tor", help="Through Tor: for those with the client key, for all, or for nobody.")
    ] = None,
    json: Json = False,
) -> None:
    """Show where an app is reached, and by whom, or open and close it."""
    client = Client()
    endpoints = client.call("container-status", app=app)["endpoints"]
    if endpoint is not None and endpoint not in {each["name"] for each in endpoints} and lan is None and tor is None:
        names = ", ".join(each["name"] for each in endpoints) or "none at all"
        raise CommandError(Exit.USAGE, f"{app} has no endpoint {endpoint!r}", f"it has {names}")
    if lan is not None or tor is not None:
        endpoints = [_switch(client, app, endpoint or _only(app, endpoints), lan, tor)]
    elif endpoint is not None:
        endpoints = [each for each in endpoints if each["name"] == endpoint]
    if json:
        show_json(endpoints)
        return
    if not endpoints:
        show(line(f"Nothing leads to {app} from outside."))
    for each in endpoints:
        _show(each)
    if lan is _Switch.ON:
        show("A firewall of this host must let it through: 'sudo ./archipelago doctor' looks at it.")
    if tor is _Onion.ON:
        show(line(f"Its clients need the key: 'archipelago network tor-key {app} {endpoints[0]['name']}'"))
    if tor in (_Onion.ON, _Onion.PUBLIC):
        for problem in client.call("onion-status")["problems"]:
            show(line(f"Problem  {problem}"))


def _switch(client: Client, app: str, endpoint: str, lan: _Switch | None, tor: _Onion | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if lan is not None:
        found = client.call("network-open" if lan is _Switch.ON else "network-close", app=app, endpoint=endpoint)
    if tor is not None:
        found = client.call("onion-set", app=app, endpoint=endpoint, access=tor.access)
    return found


def _only(app: str, endpoints: list[dict[str, Any]]) -> str:
    """Return the endpoint that is meant where none is named."""
    names = [each["name"] for each in endpoints if not each["kept_in"]]
    if len(names) != 1:
        several = f"name one of them: archipelago access {app} ENDPOINT …" if names else None
        what = f"{app} has several endpoints: {', '.join(names)}" if names else f"{app} has nothing that can be opened"
        raise CommandError(Exit.USAGE, what, several or f"'archipelago access {app}' says why")
    return str(names[0])


def _show(endpoint: dict[str, Any]) -> None:
    label = f" ({endpoint['label']})" if endpoint["label"] else ""
    show(line(f"{endpoint['name']}{label}"))
    for address in dict.fromkeys(filter(None, (endpoint["site"], endpoint["address"]))):
        show(line(f"  This machine   {address}"))
    for address in filter(None, (endpoint["local_site"], *endpoint["local_addresses"])):
        show(line(f"  Local network  {address}"))
    if endpoint["tor"] != "off":
        show(line(f"  Tor            {endpoint['onion'] or 'an address of its own, once it runs'}"))
    show(line(f"  Reached by     this machine; {_others(endpoint)}"))
    if endpoint["behind_login"]:
        show("  Login          the node asks for yours, by each of these ways: it has none of its own")


def _others(endpoint: dict[str, Any]) -> str:
    """Say who reaches an endpoint from elsewhere."""
    if endpoint["kept_in"]:
        return f"from elsewhere {_KEPT_IN[endpoint['kept_in']]}"
    if not endpoint["open"]:
        return "from elsewhere nobody, until you open it ('--lan on')"
    if not (endpoint["local_addresses"] or endpoint["local_site"]):
        return "from elsewhere nobody yet: the node is on no local network ('archipelago network listen lan')"
    if endpoint["behind_login"]:
        return "every device of your network, once you have logged in there"
    return _VISITORS.get(endpoint["kind"], "every wallet and program of your network")
