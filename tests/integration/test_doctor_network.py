"""What the doctor says of the local network, with real faults: a firewall, names, and interfaces."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from archipelago.api.local_network import ALL, NetworkLook, Outlook
from archipelago.api.system import Finding
from archipelago.network.self_look import ask_for_names
from archipelago.performance.checks.names import names_and_certificates
from support.loopback_addresses import own_address
from support.sealed_keys import NOW

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(420), pytest.mark.no_containers]

HERE, OTHER, THERE = own_address(), own_address(), own_address()
NAME = "lonely-island.local"
MUTE = """
import asyncio, subprocess
from ipaddress import IPv4Address
from archipelago.network.self_look import ask_for_names
for words in ("link add mute type veth peer name far", "link set far up", "link set mute multicast off",
              "link set mute up", "addr add 192.168.9.1/24 dev mute", "link set lo up"):
    subprocess.run(["ip", *words.split()], check=True)
(report,) = asyncio.run(ask_for_names({"a-island.local"}, {"a-island.local"}, [IPv4Address("192.168.9.1")]))
print(report.answers == () and report.announced)
"""


def about_names(found: Outlook) -> list[Finding]:
    return [each for each in names_and_certificates(found, NOW) if each.check == "names"]


async def test_a_name_that_nobody_has_and_one_that_another_machine_has_are_found() -> None:
    async def look() -> list[Finding]:
        names = await ask_for_names({NAME}, (), [HERE])
        return about_names(Outlook((ALL,), (HERE,), (HERE,), (), (), NetworkLook(names=names)))

    (nobody,) = await look()
    assert "does not resolve" in nobody.what and "avahi" in nobody.mend
    other = AsyncZeroconf(interfaces=[str(OTHER)], ip_version=IPVersion.V4Only)
    service = "_https._tcp.local."
    mine = ServiceInfo(service, f"me.{service}", addresses=[HERE.packed], port=1, server=f"{NAME}.")
    await (await other.async_register_service(mine))
    assert await look() == [], "the name leads here"
    await (await other.async_unregister_service(mine))
    foreign = ServiceInfo(service, f"x.{service}", addresses=[THERE.packed], port=1, server=f"{NAME}.")
    await (await other.async_register_service(foreign))
    (taken,) = await look()
    assert taken.what == f"{NAME} is also the name of {THERE}" and "hostnamectl" in taken.mend
    await other.async_unregister_all_services()
    await other.async_close()


async def test_an_interface_on_which_no_name_can_be_announced_is_found() -> None:
    command = ["podman", "unshare", "unshare", "--net", sys.executable, "-c", MUTE]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=150, cwd="/")
    assert done.stdout.strip() == "True", done.stderr


async def test_a_firewall_is_said_to_block_what_it_blocks() -> None:
    scene = Path(__file__).with_name("blocking_firewall.py").read_text()
    command = ["podman", "unshare", "unshare", "--net", sys.executable, "-c", scene]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=400, cwd="/")
    assert done.returncode == 0 and done.stdout.endswith("OK\n"), done.stderr
