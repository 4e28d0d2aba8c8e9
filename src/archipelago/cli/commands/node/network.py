"""Commands about the local network: network status, listen, authority, trust, firewall; and open."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from archipelago.cli.client import Client
from archipelago.cli.errors import CommandError, Exit
from archipelago.cli.options import Installed, Json
from archipelago.cli.output import line, show, show_json

_NFT_TIMEOUT = 30
_HOST_TABLE = "inet archipelago_host"


def status(json: Json = False) -> None:
    """Show where the node is reachable."""
    _show(Client().call("network-status"), json)


def listen(
    addresses: Annotated[
        list[str], typer.Argument(metavar="ADDRESS…", help="Addresses of this host, 'lan' for all, or 'none'.")
    ],
    json: Json = False,
) -> None:
    """Listen on addresses of the local network, by HTTPS."""
    _show(Client().call("network-listen", addresses=[] if addresses == ["none"] else addresses), json)


def open_app(app: Installed, json: Json = False) -> None:
    """Print where browsers open an app."""
    pages = [each for each in Client().call("container-status", app=app)["endpoints"] if each["site"]]
    pages.sort(key=lambda each: each["kind"] != "ui")
    if json:
        show_json(pages)
        return
    if not pages:
        raise CommandError(
            Exit.FAILED, f"{app} has no page for browsers", f"archipelago status {app} shows the addresses that it has"
        )
    for page in pages[:1] if pages[0]["kind"] == "ui" else pages:
        show(line(f"On this host            {page['site']}"))
        for address in filter(None, (page["local_site"], *page["local_addresses"])):
            show(line(f"From the local network  {address}"))


def authority() -> None:
    """Print the certificate of the node's authority, for a browser to trust."""
    show(Client().call("network-status")["authority"].rstrip())


def trust(
    device: Annotated[
        str, typer.Argument(metavar="[DEVICE]", help="Whose steps to show, such as ios or firefox.")
    ] = "",
    json: Json = False,
) -> None:
    """Show how devices come to trust the node's authority: where they find the steps, and what to compare."""
    found = Client().call("network-trust")
    if json:
        show_json(found)
        return
    devices = {each["device"]: each for each in found["devices"]}
    if device and device not in devices:
        raise CommandError(Exit.USAGE, f"trust: {device!r} is none of {', '.join(devices)}")
    for page in found["pages"]:
        show(line(f"Steps and certificate for other devices, without a login  {page}"))
    if found["pages"]:
        import segno

        segno.make(found["pages"][0]).terminal(compact=True)
    else:
        show("The node is on no local network: 'archipelago network listen lan'")
    for name in ("fingerprint", "thumbprint"):
        show(f"{'SHA-256' if name == 'fingerprint' else 'SHA-1'}\n  {found[name]}")
    for number, step in enumerate(devices[device]["steps"] if device else (), 1):
        show(line(f"{number}. {step.replace('**', '').replace('`', '')}"))


def firewall(
    what: Annotated[str, typer.Argument(metavar="show|apply|remove", help="'apply' and 'remove' need root.")] = "show",
    ssh_port: Annotated[int, typer.Option("--ssh-port", min=0, max=65535, help="0 closes SSH.")] = 22,
) -> None:
    """Show, apply or remove firewall rules that drop traffic which is not for the node."""
    if what == "remove":
        _nft(f"table {_HOST_TABLE}\ndelete table {_HOST_TABLE}\n")
        show("The host's firewall is as it was without Archipelago.")
        return
    if what not in ("show", "apply"):
        raise CommandError(Exit.USAGE, f"firewall: {what!r} is none of show, apply, remove")
    found = Client().call("network-firewall", ssh_port=ssh_port or None)
    if found["problem"]:
        raise CommandError(Exit.FAILED, f"nftables does not take the rules: {found['problem']}")
    if what == "show":
        show(found["rules"].rstrip())
        return
    from archipelago.network.host_firewall import is_host_ruleset  # other commands start without what it needs

    if not is_host_ruleset(found["rules"], ssh_port or None):
        raise CommandError(
            Exit.FAILED,
            "the node's rules are not those that this version makes; nothing is changed",
            "restart the node where it is of an older version; else look at 'archipelago network firewall show'",
        )
    _nft(found["rules"])
    kept = f"SSH stays open on port {ssh_port}" if ssh_port else "SSH is closed"
    show(f"The rules stand until the next boot, or 'archipelago network firewall remove'. {kept}.")
    show("Apply them again when apps or addresses have changed.")


def _show(found: dict[str, object], json: bool) -> None:
    if json:
        show_json(found)
        return
    lines = {key: found[key] for key in ("addresses", "endpoints", "problems")}
    assert all(isinstance(value, list) for value in lines.values())
    if not found["listening"]:
        possible, problems = found["available"], found["problems"]
        assert isinstance(possible, list) and isinstance(problems, list)
        for problem in problems:
            show(f"Problem  {problem}")
        show("The node is reachable on this host only.")
        show(f"It could be on: {' '.join(possible) or 'nothing, this host has no address of a local network'}")
        return
    for key, title in (("addresses", "Page"), ("endpoints", "App"), ("problems", "Problem")):
        values = found[key]
        assert isinstance(values, list)
        for value in values:
            show(f"{title:8} {value}")
    show(f"Its authority's certificate (archipelago network authority) has the SHA-256\n  {found['fingerprint']}")


def _nft(rules: str) -> None:
    if os.geteuid() != 0:
        raise CommandError(Exit.FAILED, "the host's firewall is root's", "sudo ./archipelago network firewall apply")
    try:
        done = subprocess.run(
            ["nft", "-f", "-"], input=rules, capture_output=True, text=True, timeout=_NFT_TIMEOUT, check=False
        )
    except OSError as error:
        raise CommandError(Exit.FAILED, f"nft: {error.strerror}", "apt install nftables") from error
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr, end="")
        raise CommandError(Exit.FAILED, "nftables did not take the rules; nothing is changed")
