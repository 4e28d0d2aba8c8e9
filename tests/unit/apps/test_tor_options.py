"""What Bitcoin Knots is told where it reaches others through Tor alone, and Tor where it connects through bridges."""

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.model.app import Architecture, Egress
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.manifest.options import check_option_value
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.manifest.variants import in_force
from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput, Binding, Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.security.secrets.secret import Secret
from support.checkout import APPS

KNOTS, TOR = load_package(APPS / "bitcoin-knots"), load_package(APPS / "tor")
HOST = HostFacts(Architecture.AMD64, memory=8 << 30, cores=4, free_disk=1 << 40)
EDGE = Edge(consumer="bitcoin-knots", interface="tor-socks", provider="tor", wait=Wait.STARTED)
FINGERPRINT, CERT = "Ab" * 20, "a/+Z9" * 14
OBFS4 = f"obfs4 192.0.2.1:443 {FINGERPRINT} cert={CERT} iat-mode=0"
ADDRESSES = st.ip_addresses(v=4).map(str)
PORTS = st.integers(1, 65535)
FINGERPRINTS = st.text("0123456789abcdefABCDEF", min_size=40, max_size=40)
CERTS = st.text("abcXYZ019+/", min_size=70, max_size=70)
LINES = st.one_of(
    st.builds("{}:{}".format, ADDRESSES, PORTS),
    st.builds("{}:{} {}".format, ADDRESSES, PORTS, FINGERPRINTS),
    st.builds("obfs4 {}:{} {} cert={} iat-mode={}".format, ADDRESSES, PORTS, FINGERPRINTS, CERTS, st.integers(0, 2)),
)


def container(package: AppPackage, *bindings: Binding, **options: Any) -> ContainerWorkload:
    """Return the container of an app with options of its owner."""
    manifest = in_force(package.manifest, options)
    given = AppInput(
        package=replace(package, manifest=manifest),
        options={**{name: each.default for name, each in manifest.options.items()}, **options},
        slot=0,
        images={"main": "localhost/image"},
        ports=dict.fromkeys(manifest.endpoints, 8333),
        secrets={name: Secret("Kx4vXQ0mWq7mM1yB2nT9uA5c", "1") for name in manifest.secrets},
        bindings=bindings,
        edges=tuple(each.edge for each in bindings),
    )
    (found,) = compile_app(given, Site("node", "/data", "/run/files", HOST), Renderer()).containers
    return found


def written(workload: ContainerWorkload, name: str) -> list[str]:
    """Return the lines of a file of a container."""
    (file,) = [each for each in workload.files if PurePosixPath(each.path).name.endswith(name)]
    return [line for line in file.content.reveal().decode().splitlines() if line and not line.startswith("#")]


def bridges(text: str) -> list[str]:
    """Return the lines of Tor's configuration that are about bridges."""
    words = ("UseBridges", "ClientTransportPlugin", "Bridge")
    return [line for line in written(container(TOR, bridges=text), "torrc") if line.split()[0] in words]


def test_knots_reaches_the_internet_unless_its_owner_says_otherwise() -> None:
    direct = container(KNOTS)
    assert direct.reach.internet and not direct.reach.wires
    assert not any(line.startswith(("proxy=", "dns=", "discover=")) for line in written(direct, "bitcoin.conf"))
    assert written(direct, "start") == ['exec "$@"']


def test_through_tor_knots_reaches_its_port_alone_and_looks_nothing_up_itself() -> None:
    assert in_force(KNOTS.manifest, {"reach": "tor"}).egress is Egress.TOR
    hidden = container(KNOTS, Binding(EDGE, TOR.manifest), reach="tor")
    assert not hidden.reach.internet and [wire.opens for wire in hidden.reach.wires] == [(9050,)]
    assert hidden.reach.names == ("main", "tor-socks")
    told = written(hidden, "bitcoin.conf")
    assert {"proxy=127.0.0.1:9050", "dns=0", "discover=0", "natpmp=0", "listenonion=0"} <= set(told)
    assert told.index("proxy=127.0.0.1:9050") < told.index("[main]"), "it counts for all networks"
    assert any("nc tor-socks 9050" in line for line in written(hidden, "start"))
    assert hidden.hash != container(KNOTS).hash, "it is created again"


@pytest.mark.parametrize("text", ["", " ", "  "])
def test_without_bridges_tor_connects_by_itself(text: str) -> None:
    assert bridges(text) == []


@given(st.lists(LINES, min_size=1, max_size=5), st.sampled_from([" ", ";", " ; ", "  ", "; "]))
def test_each_bridge_is_a_line_for_tor_however_the_owner_separates_them(lines: list[str], between: str) -> None:
    text = between.join(lines)
    assert check_option_value("bridges", TOR.manifest.options["bridges"], text) is None
    first, plugin, *found = bridges(text)
    assert (first, plugin) == ("UseBridges 1", "ClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy")
    assert found == [f"Bridge {line}" for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.256:443",
        "[2001:db8::1]:443",
        "bridge.example:443",
        f"192.0.2.1:443 {FINGERPRINT[1:]}",
        "obfs4 192.0.2.1:443",
        f"192.0.2.1:443 {FINGERPRINT} cert={CERT} iat-mode=0",
        OBFS4.replace("cert=", "cert=x"),
        OBFS4.replace("iat-mode=0", "iat-mode=3"),
        OBFS4.replace("obfs4", "snowflake"),
        f"{OBFS4}{OBFS4}",
        f"Bridge {OBFS4}",
        f"{OBFS4}\nSocksPort 0.0.0.0:1",
        f"{OBFS4};ExitNodes x",
    ],
)
def test_what_is_no_bridge_is_refused_with_what_is_expected(text: str) -> None:
    problem = check_option_value("bridges", TOR.manifest.options["bridges"], text)
    assert problem is not None and "ADDRESS:PORT FINGERPRINT" in (problem.expected or "")
