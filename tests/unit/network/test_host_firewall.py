"""Root loads the rules that the node tells: only those that a node makes."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.network.host_firewall import host_ruleset, is_host_ruleset

WAYS = {(IPv4Address("192.168.1.5"), 8480), (IPv4Address("10.1.2.3"), 80)}


@given(st.sets(st.tuples(st.ip_addresses(v=4), st.integers(1, 65535)), max_size=8), st.none() | st.integers(1, 65535))
def test_what_a_node_makes_is_known(ways: set[tuple[IPv4Address, int]], ssh_port: int | None) -> None:
    assert is_host_ruleset(host_ruleset(ways, ssh_port), ssh_port)


@pytest.mark.parametrize(
    "more",
    [
        'include "/etc/shadow"\n',
        "flush ruleset\n",
        "table ip nat { chain prerouting { type nat hook prerouting priority 0; tcp dport 22 redirect to :2222; }; }\n",
        "table inet archipelago_host { chain input { accept; }; }\n",
    ],
)
def test_whatever_else_is_refused(more: str) -> None:
    rules = host_ruleset(WAYS, 22)
    assert is_host_ruleset(rules, 22)
    assert not is_host_ruleset(rules + more, 22)
    assert not is_host_ruleset(more + rules, 22)
    first, rest = rules.split("\n", 1)
    assert not is_host_ruleset(f"{first}\n{more}{rest}", 22)


@pytest.mark.parametrize(
    ("old", "new"),
    [("policy drop", "policy accept"), ("192.168.1.5", "192.168.1.500"), ("dport 8480", "dport 08480"), ("22", "23")],
)
def test_a_rule_that_was_changed_is_refused(old: str, new: str) -> None:
    rules = host_ruleset(WAYS, 22)
    assert old in rules
    assert not is_host_ruleset(rules.replace(old, new), 22)
    assert not is_host_ruleset(rules, None)
