"""Commands about the chains that apps follow: chain."""

from typing import Any

from archipelago.cli.client import Client
from archipelago.cli.options import Installed, Json
from archipelago.cli.output import duration, show_facts, show_json, show_table
from archipelago.support.texts.sizes import size_words


def chain(app: Installed, json: Json = False) -> None:
    """Show the chain of an app: progress, peers, fees and the last blocks."""
    found = Client().call("chain-report", app=app)
    if json:
        show_json(found)
        return
    show_facts(_facts(found))
    if found["blocks"]:
        show_table(
            ("BLOCK", "TIME", "TRANSACTIONS", "FULL"),
            [
                (each["height"], each["time"], each["transactions"], _percent(each["weight_share"]))
                for each in found["blocks"]
            ],
        )


def _facts(found: dict[str, Any]) -> tuple[tuple[str, object], ...]:
    rate, left = found["blocks_per_hour"], found["seconds_left"]
    height = found["height"] is not None
    return (
        ("running", "" if found["running"] else "no"),
        ("phase", found["phase"]),
        ("height", f"{found['height']} of {found['headers']} ({found['percent']} %)" if height else ""),
        ("rate", "" if rate is None else f"{rate:g} blocks an hour"),
        ("time left", "" if left is None else f"about {duration(left)}"),
        ("peers", _peers(found["peers"])),
        ("mempool", _mempool(found["mempool"])),
        ("fees", _fees(found["fees"])),
        ("disk", "" if found["disk_bytes"] is None else size_words(found["disk_bytes"])),
        ("pruned", "yes" if found["pruned"] else ""),
    )


def _peers(peers: dict[str, Any] | None) -> str:
    if peers is None:
        return ""
    tor = "" if peers["over_tor"] is None else f", {peers['over_tor']} over Tor"
    return f"{peers['inbound']} in, {peers['outbound']} out{tor}"


def _mempool(mempool: dict[str, Any] | None) -> str:
    return "" if mempool is None else f"{mempool['transactions']} transactions, {size_words(mempool['bytes'])}"


def _fees(fees: dict[str, Any] | None) -> str:
    if fees is None:
        return ""
    known = (("next block", fees["next_block"]), ("an hour", fees["hour"]), ("a day", fees["day"]))
    told = ", ".join(f"{name} {fee:g}" for name, fee in known if fee is not None)
    return f"{told} {fees['unit']}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
