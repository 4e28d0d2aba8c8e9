"""What one container may send and receive: nftables rules for its own network namespace. Pure.

Podman's networks say who shares a wire. These rules say what may cross it: a consumer opens connections to the ports
of the interfaces that it requires, and nothing is opened the other way. They stand before the container's first process
runs, and nothing in it may change them, since it lacks CAP_NET_ADMIN. Syntax: nft(8).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from archipelago.container.manifest.model.app import AppManifest, Egress
from archipelago.container.workload.networks import Link, own_network_name
from archipelago.support.values import value

TABLE = "inet archipelago"
_DNS_SUFFIX = "dns.podman"
"""The search domain that Podman gives containers."""
_QUESTIONS_AT = (8 + 4) * 8
_NAME_AT = (8 + 12) * 8
"""Bits from the start of the UDP header to the count of questions and the first name in a query (RFC 1035, 4.1)."""
_CHUNK = 16
"""Bytes that one comparison of nftables takes."""
NOT_PUBLIC = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
"""Addresses that lead nowhere on the internet, but perhaps somewhere on the local network (RFC 6890)."""
NOT_LOCAL = tuple(map(IPv4Network, ("10.0.2.0/24", "10.89.0.0/16", "169.254.0.0/16")))
"""Private addresses behind which there is no machine of the local network, but what runs containers.

The first is that of slirp4netns: its DNS at .3, the host's loopback at .2. In the second Podman makes networks, each
with a name server. Link-local addresses (RFC 3927) are pasta's, and those of a cloud's metadata (169.254.169.254).
"""


@value
class Wire:
    """What may cross one network between two apps, as seen from one container; TCP ports."""

    network: str
    opens: tuple[int, ...] = ()
    """Ports of the other app, to which connections may be opened."""
    answers: tuple[int, ...] = ()
    """Ports of this container, to which the other app may open connections."""


@value
class Reach:
    """Whom one container may reach, and who reaches it."""

    own: str
    """The app's own network, on which its containers may do everything with each other."""
    wires: tuple[Wire, ...] = ()
    names: tuple[str, ...] = ()
    """What it may ask the name server for."""
    internet: bool = False
    local_network: bool = False

    @property
    def networks(self) -> tuple[str, ...]:
        """All networks that it is on."""
        return (self.own, *(wire.network for wire in self.wires))


@dataclass(frozen=True, slots=True)
class Subnet:
    """The addresses of a network; the gateway is where its name server listens."""

    addresses: IPv4Network
    gateway: IPv4Address


def reach(manifest: AppManifest, container: str, links: Iterable[Link], ports: Mapping[tuple[str, str], int]) -> Reach:
    """Return what a container may reach by the links of its app; `ports` are those of (provider, interface)."""
    app = manifest.id
    offered = {
        interface: provided.port for interface, provided in manifest.provides.items() if provided.container == container
    }
    names = set(manifest.containers)
    wires = []
    for network, consumer, provider, interfaces in links:
        if consumer == app:
            names |= interfaces
            opens = {ports[provider, interface] for interface in interfaces}
            wires.append(Wire(network, opens=tuple(sorted(opens))))
        elif provider == app:
            answers = {offered[each] for each in interfaces if each in offered}
            if answers:
                wires.append(Wire(network, answers=tuple(sorted(answers))))
    return Reach(
        own=own_network_name(app),
        wires=tuple(wires),
        names=tuple(sorted(names)),
        internet=manifest.egress.is_direct,
        local_network=manifest.egress is Egress.LAN,
    )


def ruleset(
    reach: Reach, subnets: Mapping[str, Subnet], host: Collection[IPv4Address], others: Collection[IPv4Network] = ()
) -> str:
    """Return a script for `nft -f` that replaces the rules of a container at once.

    `subnets` are those of its networks, `host` the addresses of the host itself, `others` the networks of other apps.
    """
    own = subnets[reach.own]
    gateways = _set(sorted(subnets[name].gateway for name in reach.networks))
    incoming = [f"ip saddr {own.addresses} ip saddr != {own.gateway} accept"]
    outgoing = [f"ip daddr {gateways} jump to_gateway", f"ip daddr {own.addresses} accept"]
    for wire in reach.wires:
        other = subnets[wire.network].addresses
        if wire.answers:
            incoming.append(f"ip saddr {other} tcp dport {_set(wire.answers)} accept")
        if wire.opens:
            outgoing.append(f"ip daddr {other} tcp dport {_set(wire.opens)} accept")
        outgoing.append(f"ip daddr {other} reject")
    if reach.internet:
        if not reach.local_network:
            outgoing.append(f"ip daddr {_set(NOT_PUBLIC)} reject")
        else:
            # Where Podman has used its first range up, it takes networks from elsewhere.
            spread = {other for other in others if not any(map(other.subnet_of, NOT_LOCAL))}
            outgoing.append(f"ip daddr {_set((*NOT_LOCAL, *sorted(spread)))} reject")
        if host:
            outgoing.append(f"ip daddr {_set(sorted(host))} reject")
        outgoing.append("ip daddr != 127.0.0.0/8 accept")
    asks = ["udp dport 53 accept", "tcp dport 53 accept"] if reach.internet else list(_questions(reach.names))
    known = "ct state established,related accept"
    # Before what is known: to conntrack, the next question from a port is of a connection that was let through.
    each_question = f"ip daddr {gateways} udp dport 53 jump to_gateway"
    chains = (
        _chain("to_gateway", [*asks, "reject"]),
        _chain("input", [_hook("input"), known, 'iif "lo" accept', *incoming]),
        _chain("output", [_hook("output"), each_question, known, 'oif "lo" accept', *outgoing, "reject"]),
        _chain("forward", [_hook("forward")]),
    )
    return "\n".join([f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{", *chains, "}", ""])


def _questions(names: Collection[str]) -> list[str]:
    """Return rules that let a query for one of the names pass to the name server, and no other.

    The name server of Podman 4 asks the internet for all that it does not know, whoever asks: whatever one may ask for
    freely is a way out.
    """
    rules = []
    for name in names:
        for asked in (name, f"{name}.{_DNS_SUFFIX}"):
            labels = b"".join(bytes([len(label)]) + label.encode() for label in asked.split(".")) + b"\0"
            found = [f"udp dport 53 @th,{_QUESTIONS_AT},16 1"]
            for begin in range(0, len(labels), _CHUNK):
                chunk = labels[begin : begin + _CHUNK]
                found.append(f"@th,{_NAME_AT + begin * 8},{len(chunk) * 8} 0x{chunk.hex()}")
            rules.append(" ".join([*found, "accept"]))
    return rules


def _hook(name: str) -> str:
    return f"type filter hook {name} priority filter; policy drop;"


def _chain(name: str, lines: Collection[str]) -> str:
    return "\n".join([f"  chain {name} {{", *(f"    {line}" for line in lines), "  }"])


def _set(values: Collection[object]) -> str:
    return f"{{ {', '.join(map(str, values))} }}"
