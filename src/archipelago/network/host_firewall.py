"""The firewall of the host itself: nftables rules from what the node listens on. Pure. Syntax: nft(8)."""

import re
from collections.abc import Collection
from ipaddress import IPv4Address

from archipelago.container.workload.firewall_rules import NOT_PUBLIC

HOST_TABLE = "inet archipelago_host"
NEW_PER_SECOND = 20
NEW_BURST = 100
"""New connections that one machine of the local network may open: per second, and at once."""
SSH_PER_MINUTE = 30
_WAY = re.compile(r" ip daddr (\d{1,3}(?:\.\d{1,3}){3}) tcp dport (\d{1,5}) ")


def host_ruleset(ways: Collection[tuple[IPv4Address, int]], ssh_port: int | None) -> str:
    """Return a script for `nft -f` that replaces the host's rules at once.

    What comes in is dropped but answers, loopback, what keeps a network going (ICMP, DHCP, neighbours, mDNS), and new
    TCP connections to `ways`, from private addresses only and at a bounded rate. `ssh_port` stays open to everybody at
    a bounded rate, lest the owner lock himself out; None closes it. What is forwarded is none of ours: packets of
    rootless containers leave as the host's own.
    """
    private = ", ".join(str(network) for network in NOT_PUBLIC if not network.is_multicast and not network.is_reserved)
    rules = [
        "type filter hook input priority filter; policy drop;",
        "ct state established,related accept",
        "ct state invalid drop",
        'iif "lo" accept',
        "ip protocol icmp limit rate 50/second burst 100 packets accept",
        "meta l4proto ipv6-icmp limit rate 50/second burst 100 packets accept",
        "udp sport 67 udp dport 68 accept",
        "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
        "udp dport 5353 limit rate 50/second burst 100 packets accept",
    ]
    sets = []
    if ssh_port is not None:
        for family, kind in (("ip", "ipv4_addr"), ("ip6", "ipv6_addr")):
            sets.append(_set(f"ssh_{family}", kind))
            limit = f"limit rate {SSH_PER_MINUTE}/minute burst {SSH_PER_MINUTE} packets"
            rules.append(f"tcp dport {ssh_port} ct state new add @ssh_{family} {{ {family} saddr {limit} }} accept")
    for number, (address, port) in enumerate(sorted(ways)):
        sets.append(_set(f"way_{number}", "ipv4_addr"))
        limit = f"limit rate {NEW_PER_SECOND}/second burst {NEW_BURST} packets"
        rules.append(
            f"ip saddr {{ {private} }} ip daddr {address} tcp dport {port} ct state new "
            f"add @way_{number} {{ ip saddr {limit} }} accept"
        )
    chain = "".join(f"    {rule}\n" for rule in rules)
    body = "".join(f"  {each}\n" for each in sets) + f"  chain input {{\n{chain}  }}\n"
    return f"table {HOST_TABLE}\ndelete table {HOST_TABLE}\ntable {HOST_TABLE} {{\n{body}}}\n"


def is_host_ruleset(script: str, ssh_port: int | None) -> bool:
    """Return whether `host_ruleset` made this script, whatever the ways are.

    Root loads what the node's own user says: nft(8) would also read files and replace the rules of others.
    """
    try:
        return script == host_ruleset(ways_of(script), ssh_port)
    except ValueError:
        return False


def ways_of(script: str) -> frozenset[tuple[IPv4Address, int]]:
    """Return the ways that a script of `host_ruleset` lets through. Raises `ValueError`."""
    return frozenset((IPv4Address(address), int(port)) for address, port in _WAY.findall(script))


def _set(name: str, kind: str) -> str:
    """Return a set of senders, each of which keeps to its own rate; one that is silent for a minute is forgotten."""
    return f"set {name} {{ type {kind}; size 65535; flags dynamic,timeout; timeout 1m; }}"
