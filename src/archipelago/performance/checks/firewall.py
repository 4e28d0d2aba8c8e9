"""Whether the firewall of this host lets devices of the local network in. Pure.

It reads what nftables lists as JSON (libnftables-json(5)).
Only what is certain counts: a rule whose conditions are not understood here decides nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from archipelago.api.system import Finding, Severity
from archipelago.support.texts.text import msg

Statement = Mapping[str, Any]
Chains = Mapping[tuple[str, str, str], "FirewallChain"]
_FAMILIES = frozenset({"ip", "inet"})
_DEEPEST = 16
"""Jumps that the kernel allows (NFT_JUMP_STACK_SIZE)."""


class _Verdict(Enum):
    ACCEPT = auto()
    DROP = auto()
    RETURN = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class FirewallChain:
    """A chain of rules."""

    place: tuple[str, str, str]
    """Family, table and name."""
    rules: tuple[Sequence[Statement], ...]
    base: bool
    """Whether what comes in for this host passes it first."""
    policy: str


@dataclass(frozen=True, slots=True)
class Packet:
    """The first of a connection by TCP, from a device of the local network."""

    source: IPv4Address
    target: IPv4Address
    port: int

    def value(self, left: object) -> object:
        """Return what stands for the left side of a condition; None where it is not known."""
        match left:
            case {"meta": {"key": "l4proto"}} | {"payload": {"protocol": "ip", "field": "protocol"}}:
                return "tcp"
            case {"meta": {"key": "nfproto"}}:
                return "ipv4"
            case {"payload": {"protocol": "ip", "field": "saddr"}}:
                return self.source
            case {"payload": {"protocol": "ip", "field": "daddr"}}:
                return self.target
            case {"payload": {"protocol": "tcp" | "th", "field": "dport"}}:
                return self.port
            case {"ct": {"key": "state"}}:
                return "new"
        return None


def firewall(ruleset: Mapping[str, Any], ways: Collection[tuple[IPv4Address, int]]) -> Iterator[Finding]:
    """Look which of the node's addresses and ports the rules keep the local network from."""
    blocked = sorted(way for way in ways if is_blocked(ruleset, *way))
    for address in sorted({address for address, _ in blocked}):
        ports = ", ".join(str(port) for at, port in blocked if at == address)
        yield Finding(
            check="firewall",
            severity=Severity.WARNING,
            what=msg(
                "the firewall of this host lets no device in at {address}, port {ports}", address=address, ports=ports
            ),
            why=msg("what you opened to the local network cannot be reached from there"),
            mend=msg(
                "allow these ports for TCP in that firewall, or use the node's own: "
                "'sudo ./archipelago network firewall apply'"
            ),
        )


def is_blocked(ruleset: Mapping[str, Any], address: IPv4Address, port: int) -> bool:
    """Return whether a device of the same network surely cannot open a connection."""
    neighbour = IPv4Address(int(address) ^ 1)
    packet, chains, sets = Packet(neighbour, address, port), _chains(ruleset), _sets(ruleset)
    entries = (chain for chain in chains.values() if chain.base)
    return any(_whole(chain, packet, chains, sets) is _Verdict.DROP for chain in entries)


def _chains(ruleset: Mapping[str, Any]) -> Chains:
    rules: dict[tuple[str, str, str], list[Sequence[Statement]]] = {}
    found = list[Mapping[str, Any]]()
    for entry in ruleset.get("nftables", ()):
        if chain := entry.get("chain"):
            found.append(chain)
        elif rule := entry.get("rule"):
            rules.setdefault((rule["family"], rule["table"], rule["chain"]), []).append(rule.get("expr", ()))
    made = {}
    for chain in found:
        place = (chain["family"], chain["table"], chain["name"])
        base = chain.get("hook") == "input" and chain["family"] in _FAMILIES
        made[place] = FirewallChain(place, tuple(rules.get(place, ())), base, chain.get("policy", "accept"))
    return made


def _sets(ruleset: Mapping[str, Any]) -> Mapping[tuple[str, str, str], Sequence[object]]:
    kept = (entry.get("set") for entry in ruleset.get("nftables", ()))
    return {(each["family"], each["table"], each["name"]): each.get("elem", ()) for each in kept if each}


def _whole(chain: FirewallChain, packet: Packet, chains: Chains, sets: Mapping[Any, Sequence[object]]) -> _Verdict:
    verdict = _passed(chain, packet, chains, sets, 0)
    if verdict is _Verdict.RETURN:
        return _Verdict.DROP if chain.policy == "drop" else _Verdict.ACCEPT
    return verdict


def _passed(
    chain: FirewallChain, packet: Packet, chains: Chains, sets: Mapping[Any, Sequence[object]], depth: int
) -> _Verdict:
    """Return what the rules of a chain say; `RETURN` where none of them does."""
    for rule in chain.rules:
        verdicts = [each for each in rule if _is_verdict(each)]
        met = _is_met(rule, packet, chain, sets)
        if met is False or not verdicts:
            continue
        if met is None:
            return _Verdict.UNKNOWN
        verdict = _said(verdicts[0], chain, packet, chains, sets, depth)
        if verdict is not None:
            return verdict
    return _Verdict.RETURN


def _is_verdict(statement: Statement) -> bool:
    return not {"accept", "drop", "reject", "return", "jump", "goto", "queue", "vmap", "xt"}.isdisjoint(statement)


def _said(
    statement: Statement,
    chain: FirewallChain,
    packet: Packet,
    chains: Chains,
    sets: Mapping[Any, Sequence[object]],
    depth: int,
) -> _Verdict | None:
    """Return what a verdict leads to; None where the next rule comes."""
    match statement:
        case {"accept": _}:
            return _Verdict.ACCEPT
        case {"drop": _} | {"reject": _}:
            return _Verdict.DROP
        case {"return": _}:
            return _Verdict.RETURN
        case {"jump": {"target": target}} | {"goto": {"target": target}}:
            other = chains.get((*chain.place[:2], target))
            if other is None or depth >= _DEEPEST:
                return _Verdict.UNKNOWN
            found = _passed(other, packet, chains, sets, depth + 1)
            back = None if "jump" in statement else _Verdict.RETURN
            return back if found is _Verdict.RETURN else found
        case {"vmap": {"key": key, "data": {"set": entries}}}:
            return _mapped(key, entries, chain, packet, chains, sets, depth)
    return _Verdict.UNKNOWN


def _mapped(
    key: object,
    entries: Sequence[tuple[object, Statement]],
    chain: FirewallChain,
    packet: Packet,
    chains: Chains,
    sets: Mapping[Any, Sequence[object]],
    depth: int,
) -> _Verdict | None:
    """Return what a map of verdicts leads to; None where it has none for the packet."""
    value = packet.value(key)
    found = None if value is None else [(_is(each, value), statement) for each, statement in entries]
    if found is None or any(met is None for met, _ in found):
        return _Verdict.UNKNOWN
    said = next((statement for met, statement in found if met), None)
    return None if said is None else _said(said, chain, packet, chains, sets, depth)


def _is_met(
    rule: Sequence[Statement], packet: Packet, chain: FirewallChain, sets: Mapping[Any, Sequence[object]]
) -> bool | None:
    """Return whether a packet meets all conditions of a rule; None where that is not known."""
    known: bool | None = True
    for statement in rule:
        if "match" in statement:
            condition = statement["match"]
            met = _compared(condition["left"], condition["op"], condition["right"], packet, chain, sets)
            if met is False:
                return False
            known = None if met is None else known
    return known


def _compared(
    left: object, op: str, right: object, packet: Packet, chain: FirewallChain, sets: Mapping[Any, Sequence[object]]
) -> bool | None:
    if isinstance(left, Mapping) and _is_foreign(left):
        return False
    if isinstance(left, Mapping) and left.get("meta", {}).get("key") in {"iif", "iifname"} and right == "lo":
        return op == "!="  # loopback is no device
    value = packet.value(left)
    if value is None:
        return None
    if isinstance(right, str) and right.startswith("@"):
        elements = sets.get((*chain.place[:2], right[1:]))
        found = None if elements is None else _contains(elements, value)
    elif isinstance(right, Mapping) and "set" in right:
        found = _contains(right["set"], value)
    elif isinstance(right, list):
        found = _contains(right, value)
    else:
        found = _contains([right], value)
    return found if found is None or op != "!=" else not found


def _is_foreign(left: Mapping[str, Any]) -> bool:
    """Return whether a condition is about another protocol."""
    return left.get("payload", {}).get("protocol") in {"udp", "ip6", "icmp", "icmpv6", "sctp", "dccp", "arp", "ether"}


def _contains(elements: Sequence[object], value: object) -> bool | None:
    results = [_is(element, value) for element in elements]
    if any(result is True for result in results):
        return True
    return None if any(result is None for result in results) else False


def _is(element: object, value: object) -> bool | None:
    match element:
        case {"elem": {"val": inner}}:
            return _is(inner, value)
        case {"range": [low, high]}:
            return _between(low, value, high)
        case {"prefix": {"addr": str(addr), "len": int(length)}} if isinstance(value, IPv4Address):
            try:
                return value in IPv4Network((addr, length), strict=False)
            except ValueError:
                return None
        case str() | int():
            return str(element) == str(value)
    return None


def _between(low: object, value: object, high: object) -> bool | None:
    if isinstance(low, int) and isinstance(value, int) and isinstance(high, int):
        return low <= value <= high
    if isinstance(value, IPv4Address):
        try:
            return IPv4Address(str(low)) <= value <= IPv4Address(str(high))
        except AddressValueError:
            return None
    return None
