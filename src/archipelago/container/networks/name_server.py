"""Repairs the name server of containers (aardvark-dns), which Podman starts and then never looks at again.

Podman writes a file for each network: first the addresses on which the name server listens, then a line for each
container. A kill -9 of Podman while it sets a container up leaves a line that Podman knows nothing of. Such a line
keeps an old address in the file of a network that is made again, and keeps the name server alive in a network namespace
that Podman has given up: names are resolved no more, and nothing says so.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import structlog

from archipelago.container.namespace.client import Namespace, ProbeFailed, Target
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.labels import NODE
from archipelago.container.podman_client.models import ContainerState, ContainerSummary, NetworkDetails
from archipelago.support.process import find_processes, is_alive, process_exit
from archipelago.support.texts.text import msg

_PROGRAM = "aardvark-dns"
_PID_FILE = "aardvark.pid"
_SECOND_LOOK = 5.0
"""Longer than Podman takes to set a container up or to take it down, which looks like a fault meanwhile."""
_PAUSE = 60.0
_LONGEST_PAUSE = 3600.0
_ANSWER_TIMEOUT = 2.0
_KILL_TIMEOUT = 5.0

_NAMED = (ContainerState.RUNNING, ContainerState.PAUSED)
"""States in which a container has its names; in those that are in neither tuple it may have them."""
_NAMELESS = (ContainerState.CREATED, ContainerState.STOPPED, ContainerState.EXITED)


@dataclass(frozen=True, slots=True)
class NameFile:
    """What the name server knows of one network."""

    network: str
    gateways: tuple[IPv4Address | IPv6Address, ...]
    """Where it listens."""
    lines: tuple[tuple[str, str], ...]
    """Container id and the whole line of each."""


def parse(name: str, text: str) -> NameFile:
    """Read one file, also one that is being written."""
    header, *rest = text.splitlines() or [""]
    gateways = tuple(address for part in header.split(" ")[0].split(",") if (address := _address(part)))
    # A newer Podman marks the files of internal networks by a suffix.
    return NameFile(name.removesuffix("%int"), gateways, tuple((line.split(" ")[0], line) for line in rest if line))


def compare(
    files: Iterable[NameFile], containers: Iterable[ContainerSummary], networks: Iterable[NetworkDetails], node_id: str
) -> frozenset[str]:
    """Return what differs between the files and what Podman says.

    A line counts with its addresses and a missing one with the start of its container: of a container that is started
    over and over, two looks never find the same difference.
    """
    known = {container.id: container for container in containers}
    made = {network.name: network for network in networks}
    faults, present = set[str](), set[tuple[str, str]]()
    for file in files:
        lines = Counter(owner for owner, _ in file.lines)
        for owner, line in file.lines:
            present.add((owner, file.network))
            found = known.get(owner)
            if found is None or found.state in _NAMELESS or file.network not in found.networks:
                faults.add(msg("network {network} has a stale name: {line}", network=file.network, line=line))
            elif lines[owner] > 1:
                faults.add(
                    msg(
                        "network {network} has one of several names of a container: {line}",
                        network=file.network,
                        line=line,
                    )
                )
        network = made.get(file.network)
        for gateway in file.gateways:
            if network is not None and not any(gateway in subnet for subnet in network.subnets):
                faults.add(
                    msg("network {network} has the old address {gateway}", network=file.network, gateway=gateway)
                )
    for container in known.values():
        if container.state not in _NAMED or container.labels.get(NODE) != node_id:
            continue
        for name in container.networks:
            if name in made and made[name].dns_enabled and (container.id, name) not in present:
                faults.add(
                    msg(
                        "network {name} lacks {container}, which was started at {started_at}",
                        name=name,
                        container=container.name,
                        started_at=container.started_at,
                    )
                )
    return frozenset(faults)


class NameServer:
    """Has Podman build its name server again when two looks in a row find the same fault."""

    def __init__(self, client: PodmanClient, namespace: Namespace, node_id: str, run_root: Path) -> None:
        self._client = client
        self._namespace = namespace
        self._node_id = node_id
        self._directory = run_root / "networks" / _PROGRAM
        self._log = structlog.get_logger("name server")
        self._failed_repairs = 0
        self._not_before = 0.0

    async def forget_leftovers(self) -> None:
        """Forget the names of an earlier life when no container is left of it, but its files are."""
        try:
            containers = await self._client.containers.list()
            if not await asyncio.to_thread(lambda: any(is_alive(each.pid) for each in containers if each.pid)):
                await self._forget()
        except (PodmanError, OSError) as error:
            self._log.warning("cannot look after the name server of containers", error=str(error))

    async def repair(self) -> None:
        """Look, and fix what stays wrong; what fails is left to the next call."""
        loop = asyncio.get_running_loop()
        try:
            faults = await self._lasting()
            if not faults:
                self._failed_repairs, self._not_before = 0, 0.0
                return
            if loop.time() < self._not_before:
                return
            # All connections pause while it is built again, which must not go on for ever where it does not help.
            self._not_before = loop.time() + min(_PAUSE * 2**self._failed_repairs, _LONGEST_PAUSE)
            self._failed_repairs = min(self._failed_repairs + 1, 10)
            await self._rebuild()
            left = faults & await self._lasting()
            text = "the name server of containers was built again" + (", without success" if left else "")
            self._log.warning(text, why=sorted(left or faults)[0], faults=len(left or faults))
            if not left:
                self._failed_repairs, self._not_before = 0, 0.0
        except (PodmanError, OSError) as error:
            self._log.warning("cannot repair the name server of containers", error=str(error))

    async def _lasting(self) -> frozenset[str]:
        """Return the faults that two looks in a row find."""
        faults = await self._look()
        if faults:
            await asyncio.sleep(_SECOND_LOOK)
            faults &= await self._look()
        return faults

    async def _look(self) -> frozenset[str]:
        files = await asyncio.to_thread(self._read)
        containers = await self._client.containers.list()
        networks = await self._client.networks.list()
        pids = {container.id: container.pid for container in containers if container.state in _NAMED}
        questions = []
        for file in files:
            # One container speaks for its network.
            asker = next((container for container, _ in file.lines if pids.get(container)), None)
            if asker is not None:
                ours = [gateway for gateway in file.gateways if gateway.version == 4]  # our networks have no other
                questions += [self._ask(file.network, str(one), asker, pids[asker]) for one in ours]
        silent = await asyncio.gather(*questions)
        return compare(files, containers, networks, self._node_id) | {fault for fault in silent if fault}

    async def _ask(self, network: str, gateway: str, container: str, pid: int) -> str:
        try:
            answered = await self._namespace.dns(Target(pid, gateway), container[:12], _ANSWER_TIMEOUT)
        except ProbeFailed:
            return ""  # the container has just ended, or there is no agent: this says nothing of the name server
        return (
            ""
            if answered
            else msg("nobody answers on network {network} at {gateway}", network=network, gateway=gateway)
        )

    def _read(self) -> list[NameFile]:
        files: list[NameFile] = []
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):  # its last container has just gone
                files.append(parse(path.name, path.read_text(encoding="utf-8", errors="replace")))
        return files

    def _files(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        return [path for path in self._directory.iterdir() if path.name != _PID_FILE and path.is_file()]

    async def _rebuild(self) -> None:
        """End the name server and forget its files; Podman writes them again, and starts it in the right place.

        A line that Podman writes meanwhile may be lost with its file: the next look finds it missing.
        """
        await self._forget()
        try:
            await self._client.networks.reload()
        except PodmanError as error:  # one container may be beyond it, and the others well again
            self._log.warning("cannot reload the network of every container", error=str(error))

    async def _forget(self) -> None:
        for pid in await asyncio.to_thread(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # it keeps nothing, and one that hangs heeds nothing else
            async with asyncio.timeout(_KILL_TIMEOUT):
                await process_exit(pid)
        for path in (*await asyncio.to_thread(self._files), self._directory / _PID_FILE):
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def _processes(self) -> list[int]:
        """Return the name servers of these files; the number in the pid file may be another program's by now."""

        def is_ours(process: Path) -> bool:
            words = (process / "cmdline").read_bytes().split(b"\0")
            return Path(os.fsdecode(words[0])).name == _PROGRAM and os.fsencode(self._directory) in words

        return find_processes(is_ours)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
