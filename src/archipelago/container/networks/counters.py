"""How many bytes a container has exchanged on each of its networks, as the kernel counts them (proc(5)): no Podman."""

import sys
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path


def read_counters(pid: int) -> dict[IPv4Network, int]:
    """Return the bytes, received and sent, by network, of the namespace of a process. Blocking; raises `OSError`."""
    folder = Path(f"/proc/{pid}/net")
    return by_network((folder / "dev").read_text("ascii"), (folder / "route").read_text("ascii"))


def read_totals(processes: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return bytes received and sent on all networks, by container; one whose first process has ended is left out.

    Blocking. Podman 4 counts the first network of a container alone, and takes what was sent for what was received.
    """
    found = {}
    for name, pid in processes.items():
        try:
            found[name] = totals(Path(f"/proc/{pid}/net/dev").read_text("ascii"))
        except OSError:
            continue
    return found


def totals(devices: str) -> tuple[int, int]:
    """Return bytes received and sent by all devices of `/proc/net/dev` but loopback."""
    counted = [each for name, each in _by_device(devices).items() if name != "lo"]
    return sum(received for received, _ in counted), sum(sent for _, sent in counted)


def by_network(devices: str, routes: str) -> dict[IPv4Network, int]:
    """Return the bytes of each network from `/proc/net/dev`, and from `/proc/net/route`, which says whose they are."""
    counted = _by_device(devices)
    found = {}
    for line in routes.splitlines()[1:]:
        device, destination, gateway, _, _, _, _, mask = line.split()[:8]
        if int(gateway, 16) or not int(mask, 16) or device not in counted:
            continue  # the way out, and no network of its own
        found[IPv4Network((_address(destination), str(_address(mask))))] = sum(counted[device])
    return found


def _by_device(devices: str) -> Mapping[str, tuple[int, int]]:
    found = {}
    for line in devices.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        columns = numbers.split()
        found[name.strip()] = int(columns[0]), int(columns[8])
    return found


def _address(text: str) -> IPv4Address:
    """Return an address, which the kernel writes as a number in the byte order of this host."""
    return IPv4Address(int(text, 16).to_bytes(4, sys.byteorder))
