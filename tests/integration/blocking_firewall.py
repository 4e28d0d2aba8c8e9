"""A firewall after the other, in a network namespace of its own: who gets in, and what the doctor says; prints "OK"."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address

from archipelago.cli.local_doctor import with_firewall
from archipelago.network.host_firewall import host_ruleset

HOST, DEVICE, PORT = IPv4Address("192.168.7.1"), IPv4Address("192.168.7.2"), 8480
SERVICES = "chain services { meta l4proto tcp tcp dport @ours accept;\n }\n"
OURS = f"set ours {{ type inet_service; flags interval; elements = {{ 22, 8000-{PORT} }};\n }}\n"
STATES = "ct state vmap { invalid : drop, established : accept, related : accept }"
DROPPED, UNDECIDED = "dropped", "undecided"


def table(*rules: str, policy: str = "drop", more: str = "", name: str = "inet a", priority: int = 0) -> str:
    """Return a table that decides on what comes in."""
    body = "; ".join((f"type filter hook input priority {priority}", f"policy {policy}", *rules))
    return f"table {name} {{ {more} chain input {{ {body};\n }}\n }}\n"


FIREWALLS = {
    "none": ("", ""),
    "that of the node": (host_ruleset({(HOST, PORT)}, 22), ""),
    "one that lets all in": (table("tcp dport 22 accept", policy="accept"), ""),
    "one that lets nobody in": (table("iif lo accept", "ct state established,related accept"), DROPPED),
    "one that lets in SSH": (table("tcp dport { 22, 80 } accept", name="ip a"), DROPPED),
    "one that names the port": (table("ip saddr 192.168.0.0/16 tcp dport 8000-9999 reject", policy="accept"), DROPPED),
    "one that jumps": (table(STATES, "jump services", more=f"{OURS} {SERVICES}"), ""),
    "one that jumps elsewhere": (
        table(STATES, "ip saddr 10.0.0.0/8 jump services", more=f"{OURS} {SERVICES}"),
        DROPPED,
    ),
    "one for another network": (table(f"ip saddr != 192.168.7.0/24 tcp dport {PORT} accept"), DROPPED),
    "two of them": (table(f"tcp dport {PORT} accept", policy="accept") + table(name="inet b", priority=10), DROPPED),
    "one that looks at marks": (table(f"meta mark != 5 tcp dport {PORT} accept"), UNDECIDED),
}
"""Rules, and what the doctor has to make of them."""


class Client:
    """Stands for the node, which says on what it listens."""

    def call(self, method: str, **_: object) -> dict[str, object]:
        assert method == "network-firewall"
        return {"rules": host_ruleset({(HOST, PORT)}, None)}


@contextlib.contextmanager
def device() -> Iterator[list[str]]:
    """Put a machine beside this one; gives the words that have it do something."""
    other = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    place = f"/proc/{other.pid}/ns/net"
    while os.readlink(place) == os.readlink("/proc/self/ns/net"):
        time.sleep(0.01)  # no event says that it is there
    enter = ["nsenter", f"--net={place}"]
    for words in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "link", "add", "host", "type", "veth", "peer", "name", "other", "netns", str(other.pid)],
        ["ip", "link", "set", "host", "up"],
        ["ip", "addr", "add", f"{HOST}/24", "dev", "host"],
        [*enter, "ip", "link", "set", "other", "up"],
        [*enter, "ip", "addr", "add", f"{DEVICE}/24", "dev", "other"],
    ):
        subprocess.run(words, check=True)
    try:
        yield enter
    finally:
        other.kill()
        other.wait()


def gets_in(enter: list[str]) -> bool:
    """Tell whether the device can open a connection."""
    code = f"import socket; socket.create_connection(({str(HOST)!r}, {PORT}), 1)"
    return subprocess.run([*enter, sys.executable, "-I", "-c", code], capture_output=True, check=False).returncode == 0


def main() -> None:
    note = {"check": "firewall", "severity": "note"}
    with device() as enter, socket.create_server((str(HOST), PORT), backlog=100):
        for name, (rules, expected) in FIREWALLS.items():
            subprocess.run(["nft", "-f", "-"], input="flush ruleset\n" + rules, text=True, check=True)
            found = with_firewall([note], Client())  # type: ignore[arg-type]
            warned = any(each["severity"] == "warning" for each in found)
            assert note not in found, "it was looked at"
            assert warned == (expected == DROPPED), (name, json.dumps(found))
            assert gets_in(enter) == (expected != DROPPED), name
    print("OK")


if __name__ == "__main__":
    main()
