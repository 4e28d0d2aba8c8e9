"""Bytes by network, from what the kernel says."""

import os
import sys
from ipaddress import IPv4Network

import pytest

from archipelago.container.networks.counters import by_network, read_counters, read_totals, totals

DEVICES = """Inter-|   Receive                                             |  Transmit
 face |bytes    packets errs drop fifo frame compressed multi|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0      0      100       1    0    0    0     0       0          0
  eth0:    1000      10    0    0    0     0          0      0      234       2    0    0    0     0       0          0
  eth1: 7        1    0    0    0     0          0      0        5       1    0    0    0     0       0          0
"""
HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
ROUTES = (
    HEAD
    + "eth0\t00000000\t0100590A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    + "eth0\t0000590A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    + "eth1\t0001590A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    + "eth2\t0002590A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
)


@pytest.mark.skipif(sys.byteorder != "little", reason="the routes are those of a little-endian host")
def test_each_network_has_the_bytes_of_its_device_in_both_directions() -> None:
    assert by_network(DEVICES, ROUTES) == {IPv4Network("10.89.0.0/24"): 1234, IPv4Network("10.89.1.0/24"): 12}


def test_a_container_has_the_bytes_of_all_its_networks_but_not_what_it_says_to_itself() -> None:
    assert totals(DEVICES) == (1007, 239)
    assert read_totals({"here": os.getpid(), "gone": 2**22 + 1}).keys() == {"here"}


def test_a_namespace_without_networks_has_none() -> None:
    assert by_network("\n".join(DEVICES.splitlines()[:3]), HEAD) == {}


def test_the_kernel_of_this_host_says_it_in_this_form() -> None:
    assert all(count >= 0 for count in read_counters(os.getpid()).values())
    with pytest.raises(OSError):
        read_counters(2**22 + 1)
