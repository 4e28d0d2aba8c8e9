"""What the name server is told, compared with what runs."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest

from archipelago.container.networks.name_server import compare, parse
from archipelago.container.podman_client.labels import NODE
from archipelago.container.podman_client.models import ContainerState, ContainerSummary, NetworkDetails

TIME = datetime(2026, 1, 1, tzinfo=UTC)
ID = "a" * 64
BOX = ContainerSummary(
    id=ID,
    name="box",
    state=ContainerState.RUNNING,
    image="",
    image_id="",
    labels={NODE: "node"},
    pid=1,
    exit_code=0,
    created_at=TIME,
    started_at=TIME,
    exited_at=None,
    networks=("net",),
)
NET = NetworkDetails(
    id="",
    name="net",
    interface="podman1",
    internal=True,
    isolate=False,
    dns_enabled=True,
    labels={},
    subnets=(ip_network("10.89.1.0/24"),),
    gateways=(ip_address("10.89.1.1"),),
    created_at=None,
)
HEADER = "10.89.1.1\n"
LINE = f"{ID} 10.89.1.2  box,{ID[:12]}\n"


@pytest.mark.parametrize("name", ["net", "net%int"])
@pytest.mark.parametrize("header", [HEADER, "10.89.1.1 9.9.9.9,1.1.1.1\n"])
def test_what_agrees_is_no_fault(name: str, header: str) -> None:
    assert not compare([parse(name, header + LINE)], [BOX], [NET], "node")


@pytest.mark.parametrize(
    ("text", "container", "says"),
    [
        (HEADER + LINE.replace("a", "b"), None, "stale"),
        (HEADER + LINE, replace(BOX, state=ContainerState.EXITED), "stale"),
        (HEADER + LINE, replace(BOX, networks=()), "stale"),
        (HEADER + LINE.replace("1.2", "1.9") + LINE, BOX, "several"),
        ("10.89.7.1\n" + LINE, BOX, "old address"),
        (HEADER, BOX, "lacks"),
        ("", BOX, "lacks"),
    ],
)
def test_faults(text: str, container: ContainerSummary | None, says: str) -> None:
    faults = compare([parse("net", text)], [container] if container else [], [NET], "node")
    assert faults and all(says in fault for fault in faults)


@pytest.mark.parametrize("text", ["", "\n", "10.89", HEADER, HEADER + LINE])
def test_a_container_that_is_stopping_may_have_its_name_or_not(text: str) -> None:
    stopping = replace(BOX, state=ContainerState.STOPPING)
    assert not compare([parse("net", text)], [stopping], [NET], "node")


def test_names_of_strangers_and_networks_without_names_are_not_missed() -> None:
    assert not compare([], [replace(BOX, labels={})], [NET], "node")
    assert not compare([], [BOX], [replace(NET, dns_enabled=False)], "node")
