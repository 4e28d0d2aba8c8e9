"""Containers, as Podman's API deals with them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from archipelago.container.podman_client.errors import (
    BadRequest,
    EndedMeanwhile,
    ImageMissing,
    NotFound,
    PodmanCall,
    PodmanError,
    PodmanUnavailable,
)
from archipelago.container.podman_client.exec.commands import Execs
from archipelago.container.podman_client.exec.session_end import ExecSessions
from archipelago.container.podman_client.exec.terminal import Terminal, open_terminal
from archipelago.container.podman_client.models import (
    CommandOutput,
    ContainerDetails,
    ContainerStats,
    ContainerSummary,
)
from archipelago.container.podman_client.ports import refuse_taken_ports
from archipelago.container.podman_client.spec import ContainerSpec, PortMapping
from archipelago.container.podman_client.wire.replies import container_details, container_stats, container_summary
from archipelago.container.podman_client.wire.requests import container_request, filters, label_filter, signal_number
from archipelago.container.podman_client.wire.transport import Params, Transport, inner_error, named, parse, same_name

_MARGIN = 30.0
_EXPORT_TIMEOUT = 300.0


class Containers:
    """What can be done with containers. Every `name` is a full name or a full ID; anything less raises BadRequest."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._sessions = ExecSessions(transport)
        self._execs = Execs(transport, self._sessions)

    async def list(
        self,
        *,
        all: bool = True,
        labels: Mapping[str, str | None] | None = None,
    ) -> tuple[ContainerSummary, ...]:
        """List containers that carry all `labels` (a value of None: any), without `all` only those that run."""
        call = PodmanCall("list containers")
        params = {"all": all, **filters(label=label_filter(labels))}
        found = await self._transport.json("GET", "/containers/json", call, params=params)
        return tuple(container_summary(item) for item in found or ())

    async def inspect(self, name: str) -> ContainerDetails:
        """Look at one container closely."""
        call = PodmanCall("inspect container", name)
        details = container_details(await self._transport.json("GET", f"/containers/{named(call, name)}/json", call))
        same_name(call, name, details.name, details.id)
        return details

    async def exists(self, name: str) -> bool:
        """Return whether there is such a container."""
        call = PodmanCall("look for container", name)
        path = f"/containers/{named(call, name)}/exists"
        status, _ = await self._transport.request("GET", path, call, success=frozenset({404}))
        return status != 404

    async def create(self, spec: ContainerSpec) -> str:
        """Create a container and return its ID; raise AlreadyExists, ImageMissing, NotFound (a network), BadRequest."""
        call = PodmanCall("create container", spec.name)
        try:
            request = container_request(spec)
        except ValueError as error:
            raise BadRequest(call, str(error)) from error
        try:
            reply = await self._transport.json("POST", "/containers/create", call, body=request)
        except ImageMissing as error:
            raise ImageMissing(call, f"no image {spec.image} here", status=error.status, cause=error.cause) from error
        return str(reply["Id"])

    async def init(self, name: str, *, ports: Sequence[PortMapping] = ()) -> None:
        """Make a container ready to start: its namespaces and networks are there, but no process of its own runs.

        Raise PortTaken, NotFound, PodmanFailure; give the `ports` that it publishes, as for `start`.
        """
        call = PodmanCall("prepare container", name)
        refuse_taken_ports(call, ports)
        await self._transport.request("POST", f"/containers/{named(call, name)}/init", call, idempotent=True)

    async def start(self, name: str, *, ports: Sequence[PortMapping] = ()) -> bool:
        """Start a container; False when it runs already; raise PortTaken, NotFound, PodmanFailure.

        Give the `ports` that it publishes, unless it runs: see `refuse_taken_ports` for what it costs to leave that
        to Podman.
        """
        call = PodmanCall("start container", name)
        refuse_taken_ports(call, ports)
        path = f"/containers/{named(call, name)}/start"
        status, _ = await self._transport.request("POST", path, call, idempotent=True)
        return status != 304

    async def stop(self, name: str, *, timeout: int = 10, ignore_missing: bool = False) -> bool:
        """Stop a container, killing it after `timeout` seconds, and return when it is down; False when it was."""
        call = PodmanCall("stop container", name)
        try:
            status, _ = await self._transport.request(
                "POST",
                f"/containers/{named(call, name)}/stop",
                call,
                params={"timeout": timeout},
                idempotent=True,
                timeout=timeout + _MARGIN,
            )
        except NotFound:
            if ignore_missing:
                return False
            raise
        return status != 304

    async def kill(self, name: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a container's first process; raise Conflict when it does not run."""
        call = PodmanCall(f"send {signal} to container", name)
        try:
            signal_number(signal)
        except ValueError as error:
            raise BadRequest(call, str(error)) from error
        path = f"/containers/{named(call, name)}/kill"
        await self._transport.request("POST", path, call, params={"signal": signal})

    async def remove(
        self,
        name: str,
        *,
        force: bool = False,
        volumes: bool = True,
        ignore_missing: bool = True,
        timeout: int = 0,
    ) -> bool:
        """Remove a container, its anonymous volumes too; `force` stops it first, killing it after `timeout` seconds.

        False when there was none. Raise Conflict when it runs and force is not wanted.
        """
        call = PodmanCall("remove container", name)
        # `v`, as the API is described, counts with Docker's API only.
        params: dict[str, str | int | bool] = {"volumes": volumes, "force": force}
        if force:
            params["timeout"] = timeout
        ask = functools.partial(self._delete, call, name, params, timeout + 2 * _MARGIN)
        try:
            try:
                await ask()
            except EndedMeanwhile:
                await ask()  # now there is nothing to kill
        except NotFound:
            if ignore_missing:
                return False
            raise
        return True

    async def _delete(self, call: PodmanCall, name: str, params: Params, timeout: float) -> None:
        path = f"/containers/{named(call, name)}"
        status, body = await self._transport.request("DELETE", path, call, params=params, timeout=timeout)
        if error := inner_error(call, parse(call, body), status):
            raise error

    async def wait(self, name: str, *, timeout: float | None = None) -> int:
        """Return the exit code of a container once it is down; raise PodmanTimeout after `timeout` seconds.

        Podman looks four times a second; who must know at once waits for the process instead (`process_exit`).
        """
        call = PodmanCall("wait for container", name)
        path = f"/containers/{named(call, name)}/wait"
        code = await self._transport.json("POST", path, call, idempotent=True, timeout=timeout)
        return int(code or 0)

    def export(self, name: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Yield the root file system of a container as a tar file, piece by piece; it need not run."""
        call = PodmanCall("export container", name)
        path = f"/containers/{named(call, name)}/export"
        return self._transport.stream("GET", path, call, begin=_EXPORT_TIMEOUT, idle=_EXPORT_TIMEOUT)

    async def exec(
        self,
        name: str,
        command: Sequence[str],
        *,
        user: str = "",
        env: Mapping[str, str] | None = None,
        workdir: str = "",
        timeout: float = 30.0,
        max_output: int = 1024 * 1024,
    ) -> CommandOutput:
        """Run a command inside a running container; output beyond `max_output` bytes is dropped.

        After `timeout` seconds the command is killed with all that it started, and PodmanTimeout raised.
        Raise Conflict when the container does not run.
        """
        return await self._execs.run(
            name, command, user=user, env=env, workdir=workdir, timeout=timeout, max_output=max_output
        )

    async def terminal(
        self, name: str, command: Sequence[str], size: tuple[int, int] | None, *, stdin: bool = True
    ) -> Terminal:
        """Start a program that is typed to inside a running container; raise Conflict when that does not run.

        `size` is that of its terminal, in columns and rows; without one it has no terminal.
        """
        return await open_terminal(self._transport, self._sessions, name, command, size, stdin=stdin)

    async def stats(self, names: Sequence[str] = ()) -> tuple[ContainerStats, ...]:
        """Read the use of resources of containers, of all when none is named; one that is gone is left out."""
        if not names:
            return await self._stats_of(())
        try:
            return await self._stats_of(names)
        except PodmanUnavailable:
            raise
        except PodmanError:
            # One that is gone spoils the reply for all and is not named in it, so each is asked for alone.
            found = await asyncio.gather(*(self._stats_if_up(name) for name in names))
        return tuple(item for some in found for item in some)

    async def _stats_of(self, names: Sequence[str]) -> tuple[ContainerStats, ...]:
        call = PodmanCall("read stats of containers", ", ".join(names))
        params: Params = {"stream": False, "containers": [named(call, name) for name in names]}
        status, body = await self._transport.request("GET", "/containers/stats", call, params=params)
        reply = parse(call, body)
        if error := inner_error(call, reply, status):
            raise error
        return tuple(container_stats(item) for item in (reply or {}).get("Stats") or ())

    async def _stats_if_up(self, name: str) -> tuple[ContainerStats, ...]:
        try:
            return await self._stats_of((name,))
        except PodmanUnavailable:
            raise
        except PodmanError:
            with contextlib.suppress(NotFound):
                if (await self.inspect(name)).state.is_up:
                    raise
            return ()
