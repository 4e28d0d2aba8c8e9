"""What a container may send and receive."""

import shutil
import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.container.workload.firewall_rules import Reach, Subnet, Wire, reach, ruleset
from archipelago.container.workload.networks import edge_network_name, links
from support.examples import examples
from support.network_plans import NAMES, edge, manifest

BOTH = edge_network_name("wallet", "bitcoin", {"bitcoin-rpc", "bitcoin-web"})
PORTS = {("bitcoin", "bitcoin-rpc"): 8332, ("bitcoin", "bitcoin-web"): 80}
NETWORKS = {
    name: Subnet(IPv4Network(f"10.89.{number}.0/24"), IPv4Address(f"10.89.{number}.1"))
    for number, name in enumerate(("archipelago-wallet", BOTH))
}


def test_a_consumer_opens_what_it_requires_and_answers_nothing() -> None:
    wallet = manifest(id="wallet", provides={}, containers={"main": manifest().containers["main"]})
    found = reach(wallet, "main", links([edge("wallet"), edge("wallet", "bitcoin-web")]), PORTS)
    assert found.wires == (Wire(BOTH, opens=(80, 8332)),)
    assert found.names == ("bitcoin-rpc", "bitcoin-web", "main")
    assert (found.internet, found.local_network) == (False, False)


def test_each_container_of_a_provider_answers_what_it_serves_and_is_used() -> None:
    edges = [edge("lnd"), edge("lnd", "bitcoin-web"), edge("electrs")]
    main, web = (reach(manifest(), container, links(edges), {}) for container in ("main", "web"))
    assert main.wires == (
        Wire(edge_network_name("electrs", "bitcoin", {"bitcoin-rpc"}), answers=(8332,)),
        Wire(edge_network_name("lnd", "bitcoin", {"bitcoin-rpc", "bitcoin-web"}), answers=(8332,)),
    )
    assert web.wires == (Wire(edge_network_name("lnd", "bitcoin", {"bitcoin-rpc", "bitcoin-web"}), answers=(80,)),)


def test_only_a_declared_way_out_is_open() -> None:
    for egress, outside in (("none", (False, False)), ("direct", (True, False)), ("lan", (True, True))):
        found = reach(manifest(egress=egress), "main", [], {})
        assert (found.internet, found.local_network) == outside


def test_without_a_way_out_the_name_server_hears_only_declared_names() -> None:
    text = ruleset(Reach("archipelago-wallet", names=("tor",)), NETWORKS, ())
    assert "@th,160,40 0x03746f7200" in text
    assert "tcp dport 53" not in text
    assert "udp dport 53 accept" in ruleset(Reach("archipelago-wallet", internet=True), NETWORKS, ())


def test_each_question_is_looked_at_also_from_a_port_whose_last_one_was_answered() -> None:
    output = ruleset(Reach("archipelago-wallet", names=("tor",)), NETWORKS, ()).partition("chain output")[2]
    assert output.index("udp dport 53 jump to_gateway") < output.index("ct state established")


def test_the_host_and_the_local_network_are_not_the_internet() -> None:
    host = (IPv4Address("203.0.113.9"),)
    direct = ruleset(Reach("archipelago-wallet", internet=True), NETWORKS, host)
    assert "203.0.113.9" in direct and "192.168.0.0/16" in direct
    lan = ruleset(Reach("archipelago-wallet", internet=True, local_network=True), NETWORKS, host)
    assert "203.0.113.9" in lan and "192.168.0.0/16" not in lan


def test_what_runs_containers_is_not_the_local_network() -> None:
    """Neither slirp4netns nor pasta, nor other apps' name servers, nor a cloud's metadata."""
    own = IPv4Network("10.89.0.0/24")
    others = [own, IPv4Network("10.89.7.0/24"), IPv4Network("10.90.3.0/24")]
    rules = ruleset(Reach("archipelago-wallet", internet=True, local_network=True), NETWORKS, (), others).splitlines()
    refused = next(number for number, rule in enumerate(rules) if "10.0.2.0/24" in rule)
    assert rules[refused].strip() == ("ip daddr { 10.0.2.0/24, 10.89.0.0/16, 169.254.0.0/16, 10.90.3.0/24 } reject")
    accepts = [
        number
        for number, rule in enumerate(rules)
        if rule.strip() in (f"ip daddr {own} accept", "ip daddr != 127.0.0.0/8 accept")
    ]
    assert accepts[0] < refused < accepts[1], "its own network stays, and all else comes after"


@settings(max_examples=examples(25))
@given(
    names=st.sets(NAMES, max_size=4),
    opens=st.sets(st.integers(1, 65535), max_size=3),
    answers=st.sets(st.integers(1, 65535), max_size=3),
    outside=st.sampled_from([(False, False), (True, False), (True, True)]),
)
def test_nft_takes_every_ruleset(
    names: set[str], opens: set[int], answers: set[int], outside: tuple[bool, bool]
) -> None:
    nft = shutil.which("nft") or pytest.skip("nft is not installed")
    wire = Wire(BOTH, tuple(opens), tuple(answers))
    given = Reach("archipelago-wallet", (wire,), tuple(sorted(names)), *outside)
    others = [network.addresses for network in NETWORKS.values()] + [IPv4Network("10.90.3.0/24")]
    script = ruleset(given, NETWORKS, (IPv4Address("203.0.113.9"),), others)
    command = ["unshare", "--user", "--map-root-user", "--net", nft, "--check", "--file", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), script
