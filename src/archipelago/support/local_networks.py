"""What is local: the networks on which a node may listen, and the names that lead nowhere else. Pure."""

from ipaddress import IPv4Address, IPv4Network

PRIVATE_NETWORKS = tuple(
    map(
        IPv4Network,
        ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    )
)
"""Networks on which the node may listen: the local ones, and those that VPNs use (RFC 1918, 3927, 6598)."""
LOCAL_SUFFIXES = ("local", "localhost", "internal", "home.arpa")
"""Endings of names that lead nowhere on the internet (RFC 6761, 6762, 8375)."""


def may_listen_on(address: IPv4Address) -> bool:
    """Return whether an address is a local network's."""
    return not address.is_loopback and any(address in network for network in PRIVATE_NETWORKS)
