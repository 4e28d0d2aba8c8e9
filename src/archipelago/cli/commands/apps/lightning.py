"""The command that shows the channels and coins of a Lightning node."""

from typing import Any

from archipelago.cli.client import Client
from archipelago.cli.options import Installed, Json
from archipelago.cli.output import show_facts, show_json


def lightning(app: Installed, json: Json = False) -> None:
    """Show what a Lightning node can send and receive, its coins, and what it earned."""
    found = Client().call("lightning-report", app=app)
    if json:
        show_json(found)
    else:
        show_facts(_facts(found))


def _facts(found: dict[str, Any]) -> tuple[tuple[str, object], ...]:
    channels, fees = found["channels"], found["fees"]
    return (
        ("running", "" if found["running"] else "no"),
        ("alias", found["alias"]),
        ("waits for", _waits(found)),
        ("can send", _sat(found["can_send"])),
        ("can receive", _sat(found["can_receive"])),
        ("opens or closes", _sat(found["pending"])),
        ("on the chain", _sat(found["onchain"])),
        ("unconfirmed", _sat(found["onchain_unconfirmed"])),
        ("channels", "" if channels is None else ", ".join(f"{count} {name}" for name, count in channels.items())),
        ("peers", found["peers"]),
        ("earned", "" if fees is None else ", ".join(f"{_sat(sat)} in a {span}" for span, sat in fees.items())),
    )


def _waits(found: dict[str, Any]) -> str:
    waits = {"the chain": found["synced_to_chain"], "the other nodes' channels": found["synced_to_graph"]}
    return ", ".join(what for what, done in waits.items() if done is False)


def _sat(amount: int | None) -> str:
    return "" if amount is None else f"{amount:,} sat"
