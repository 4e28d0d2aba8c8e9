"""Has Caddy serve the doors that there should be."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from archipelago.network.drivers.caddy.caddy_config import FALLBACK, Config, caddy_config, listening, written
from archipelago.network.drivers.caddy.caddy_process import Caddy, CaddyError
from archipelago.network.sites import Door, Listen
from archipelago.support.texts.text import msg

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 60.0
_HEALTHY_SPELL = 10.0


class SiteCertificates(Protocol):
    """Issues certificates of sites."""

    def sites(self, names: Collection[str]) -> Mapping[str, tuple[str, str]]:
        """Return a certificate and its key for each name, good for a while yet. Blocking; raises `NodeError`."""


class CaddyDriver:
    """Starts Caddy for the first door, loads each change, and starts it again when it dies.

    Calls of `apply` do not overlap.
    """

    def __init__(self, caddy: Caddy, certificates: SiteCertificates) -> None:
        self._caddy = caddy
        self._certificates = certificates
        self._doors: tuple[Door, ...] = ()
        self._loaded: Config | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        """Have these doors and no others; return what is wrong, in words. Raises `NodeError`."""
        async with self._turn:
            self._doors = doors
            if not doors:
                await self._end()
                return ()
            try:
                return await self._serve()
            except CaddyError as error:
                return (msg("the web server in front of apps: {why}", why=error),)

    async def close(self) -> None:
        """Leave it as it is, for the next daemon."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _end(self) -> None:
        await self.close()
        self._loaded = None
        await self._caddy.stop()

    async def _serve(self) -> tuple[str, ...]:
        await self._caddy.start()
        held = listening(await self._caddy.config())
        refused = await asyncio.to_thread(_refusals, {each for door in self._doors for each in door.listens}, held)
        doors = tuple(_without(self._doors, refused))
        names = {FALLBACK, *(name for door in doors if door.tls for name in (*door.names, *door.own))}
        certificates = await asyncio.to_thread(self._certificates.sites, names)
        config = caddy_config(doors, str(self._caddy.admin), str(self._caddy.guard), certificates)
        if config != self._loaded:
            await self._caddy.load(config)
            self._loaded = config
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())
        # A host without IPv6 misses nothing: browsers find loopback by the other address.
        return tuple(
            msg("{address} port {port}: {why}", address=address, port=port, why=os.strerror(number))
            for (address, port), number in sorted(refused.items(), key=lambda each: written(each[0]))
            if number not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
        )

    async def _watch(self) -> None:
        """Start Caddy again each time that it dies, until cancelled."""
        loop, pause, log = asyncio.get_running_loop(), _FIRST_PAUSE, structlog.get_logger("network")
        while True:
            begun = loop.time()
            await self._caddy.until_death()
            pause = _FIRST_PAUSE if loop.time() - begun > _HEALTHY_SPELL else min(pause * 2, _LONGEST_PAUSE)
            log.warning("the web server in front of apps has ended, and is started again")
            async with self._turn:
                self._loaded = None
                try:
                    await self._serve()
                except Exception as error:  # whatever it is, sites are wanted; the next round may succeed
                    log.error("the web server in front of apps does not start", error=str(error))
            await asyncio.sleep(pause)


def _without(doors: Iterable[Door], refused: Collection[Listen]) -> Iterator[Door]:
    """Yield the doors with those addresses that can be had; one that listens nowhere is none."""
    for door in doors:
        left = tuple(each for each in door.listens if each not in refused)
        if left or door.socket:
            yield replace(door, listens=left)


def _refusals(
    listens: Iterable[Listen], held: Collection[str], bind: Callable[[Listen], None] | None = None
) -> Mapping[Listen, int]:
    """Return where it is impossible to listen, and why (errno(3)); Caddy would refuse all for one."""
    found = {}
    for listen in listens:
        if written(listen) not in held:
            try:
                (bind or _bind)(listen)
            except OSError as error:
                found[listen] = error.errno or errno.EIO
    return found


def _bind(listen: Listen) -> None:
    address, port = listen
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((str(address), port))
        probe.listen(1)
