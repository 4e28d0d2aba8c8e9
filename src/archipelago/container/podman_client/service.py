"""Podman's API service: found alive, or started by us, and started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from archipelago.container.podman_client.errors import PodmanCall, PodmanTimeout, PodmanUnavailable
from archipelago.container.podman_client.wire.socket import Ping, ping
from archipelago.storage.layout import second_name
from archipelago.support.process import PODMAN_UMASK, process_exit, terminate

_log = logging.getLogger(__name__)

_CALL = PodmanCall("reach the Podman service")
_PING_TIMEOUT = 10.0
_START_TIMEOUT = 30.0
_STOP_GRACE = 5.0
_COMMAND_TIMEOUT = 120.0
_LONGEST_COMPLAINT = 1000
_HEALTHY_SPELL = 5.0
_MAX_PAUSE = 10.0
_LOST_NAMESPACE = "podman system migrate"
"""What Podman proposes where the process that keeps its user namespace is gone, and all containers with it."""
_MOST_CONTAINERS = 200
_LOG_LIMIT = 1024 * 1024


class PodmanService:
    """Keep a `podman system service` answering on `socket_path`.

    A service that already answers there is used: one that systemd runs, or one that an earlier, killed daemon of ours
    left behind; the latter is known by the process id in `<socket>.pid` and ends with `stop()` like one of our own.
    `log` is a file that gets the service's output; it is cut when it grows past a bound.
    `environment` replaces the process's environment where given.
    """

    def __init__(
        self,
        socket_path: Path,
        log: Path,
        *,
        command: Sequence[str] = ("podman",),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = socket_path
        self._pid_file = socket_path.with_name(f"{socket_path.name}.pid")
        self._second_name = second_name(socket_path)
        self._output = log
        self._command = tuple(command)
        self._environment = dict(environment) if environment is not None else None
        self._child: asyncio.Task[subprocess.Popen[bytes]] | None = None
        self._output_start = 0
        """Offset in the log of what the latest start wrote: earlier lines say nothing of it."""
        self._serving: Ping | None = None
        self._ours = False
        self._lock = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False
        self._failures = 0
        self._failed_until = 0.0

    @property
    def socket_path(self) -> Path:
        """Where the service listens."""
        return self._socket

    @property
    def pid(self) -> int | None:
        """Process id of the process that answers; None while none does."""
        return self._serving.pid if self._serving else None

    @property
    def is_ours(self) -> bool:
        """Whether we started it, in this life or an earlier one."""
        return self._ours

    @property
    def api_version(self) -> str:
        """Version of the libpod API as the service told it; empty before the first answer."""
        return self._serving.api_version if self._serving else ""

    async def start(self) -> None:
        """Use the service that answers, or start one, and watch it; raise PodmanUnavailable when none does."""
        self._stopping = False
        await self.ensure()
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="podman-service-watch")

    async def ensure(self) -> None:
        """Return when the service answers, starting it where it does not; raise PodmanUnavailable otherwise."""
        async with self._lock:
            if self._stopping:
                raise PodmanUnavailable(_CALL, "it is being stopped")
            if await self._find():
                return
            # Every caller comes here when the service is broken; one try per pause is enough for all of them.
            if asyncio.get_running_loop().time() < self._failed_until:
                raise PodmanUnavailable(_CALL, "it does not start; see its log")
            try:
                await self._launch()
            except PodmanUnavailable:
                self._failures += 1
                pause = min(0.1 * 2**self._failures, _MAX_PAUSE)
                self._failed_until = asyncio.get_running_loop().time() + pause
                raise

    async def stop(self) -> None:
        """End the watch, and the service when it is ours."""
        self._stopping = True
        if self._watcher:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        async with self._lock:
            if self._ours:
                await self._end()
                await asyncio.to_thread(self._forget)
            elif self._child:
                # Another one has the socket by now. Ours, which nobody asks any more, takes its name away when it ends.
                await asyncio.to_thread(self._keep_socket)
                await self._end()
                await asyncio.to_thread(self._restore_socket)
            self._serving = None

    async def restart(self) -> None:
        """End the service when it is ours, so that the next call starts it again: it answers, but not to the point."""
        async with self._lock:
            if self._ours:
                _log.warning("the Podman service does not answer its calls, and is started again")
                await self._end()

    async def unmount(self, path: str) -> bool:
        """Take a mount away that a killed Podman left in its namespace; return whether it was there."""
        code, complaint = await self.command("unshare", "umount", "--lazy", path)
        _log.warning("a mount that was left behind %s: %s", "is gone" if code == 0 else complaint, path)
        return code == 0

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run the podman command, for what the API cannot do; return its exit code and what it complained of.

        Raises PodmanTimeout.
        """
        # Not a pipe: what Podman starts may keep it open long after Podman has ended. In memory: the disk may be full.
        complaints = os.memfd_create("complaints")
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command,
                *arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                cwd="/",  # the directory that the daemon was started in may go
                start_new_session=True,
                umask=PODMAN_UMASK,
                env=self._environment,
            )
            try:
                async with asyncio.timeout(_COMMAND_TIMEOUT):
                    code = await child.wait()
            except TimeoutError as error:
                child.kill()
                raise PodmanTimeout(PodmanCall("run podman", " ".join(arguments)), "it does not end") from error
            start = max(0, os.fstat(complaints).st_size - _LONGEST_COMPLAINT)
            return code, os.pread(complaints, _LONGEST_COMPLAINT, start).decode(errors="replace").strip()
        finally:
            os.close(complaints)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _find(self) -> bool:
        """Return whether a service answers; one of ours that hangs is ended."""
        try:
            answer = await ping(self._socket, _PING_TIMEOUT)
        except PodmanTimeout:
            _log.warning("the Podman service hangs on %s", self._socket)
            if not self._ours:
                raise
            await self._end()
            return False
        except PodmanUnavailable:
            return False
        if self._serving is None or answer.pid != self._serving.pid:
            self._serving = answer
            self._ours = await asyncio.to_thread(self._is_recorded, answer.pid)
        return True

    async def _launch(self) -> None:
        """Start a service and wait until it answers; whoever gives up leaves nothing behind."""
        await self._end()
        try:
            try:
                await self._start()
            except PodmanUnavailable as error:
                if _LOST_NAMESPACE not in error.message:
                    raise
                await self._make_namespace()
                await self._start()
        except asyncio.CancelledError:
            await self._end()
            raise

    async def _make_namespace(self) -> None:
        """Have Podman make a user namespace in place of one that is gone.

        All was killed at once, containers and what keeps the namespace, and nobody wrote it down. Nothing runs that
        this could stop: Podman has just looked for it.
        """
        _log.warning("the user namespace that Podman remembers is gone, and Podman makes another one")
        for _ in range(_MOST_CONTAINERS):
            # It ends with an error at each container that it takes for a running one; the next call knows better.
            code, _ = await self.command("system", "migrate")
            if code == 0:
                return

    async def _start(self) -> None:
        # A task of its own: the thread goes on whoever leaves, and what it starts is ours.
        self._child = asyncio.create_task(asyncio.to_thread(self._spawn))
        try:
            child = await asyncio.shield(self._child)
        except OSError as error:
            raise PodmanUnavailable(_CALL, f"cannot run {self._command[0]}: {error}") from error
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + _START_TIMEOUT, 0.005
        while loop.time() < deadline:
            if (code := child.poll()) is not None:
                if await self._find():
                    return  # another daemon was faster, and has the socket
                raise PodmanUnavailable(_CALL, f"it ended with code {code}: {await self._last_words()}")
            with contextlib.suppress(PodmanUnavailable):
                self._serving, self._ours = await ping(self._socket, 2.0), True
                await asyncio.to_thread(self._record, self._serving.pid)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        await self._end()
        raise PodmanUnavailable(_CALL, f"it did not answer within {_START_TIMEOUT:.0f} s: {await self._last_words()}")

    async def _watch(self) -> None:
        """Start the service again each time that it dies."""
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            if serving := self._serving:
                await self._until_death(serving.pid)
                _log.warning("the Podman service (process %d) is gone", serving.pid)
            if loop.time() - begun > _HEALTHY_SPELL:
                self._failures = 0
            else:
                self._failures += 1
                await asyncio.sleep(min(0.05 * 2 ** min(self._failures - 1, 10), _MAX_PAUSE))
            try:
                await self.ensure()
            except PodmanUnavailable as error:
                self._serving = None
                _log.error("%s", error)

    async def _until_death(self, pid: int) -> None:
        death = asyncio.create_task(process_exit(pid))
        try:
            while not death.done():
                await asyncio.wait({death}, timeout=60)
                await asyncio.to_thread(self._trim_output)
        finally:
            death.cancel()

    async def _end(self) -> None:
        """End the service that we know of and take its process off the table, also when the caller is cancelled."""
        await _to_the_end(self._end_service())

    async def _end_service(self) -> None:
        # A rootless service is two processes: the one that we started waits for the one that serves.
        pids = {self._serving.pid} if self._serving and self._ours else set[int]()
        child = None
        if self._child:
            with contextlib.suppress(OSError):
                child = await self._child
        self._child = self._serving = None
        if child and child.poll() is None:
            pids.add(child.pid)
        for pid in pids:
            await terminate(pid, _STOP_GRACE)
        if child:
            await asyncio.to_thread(child.wait)

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        self._output.parent.mkdir(parents=True, exist_ok=True)
        self._trim_output()
        # A session of its own: Ctrl-C on our terminal is for us, and we decide in which order things end.
        # Output goes to a file and not to a pipe, so that the service outlives our own sudden death.
        output = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._output_start = os.fstat(output).st_size
            return subprocess.Popen(
                [*self._command, "system", "service", "--time=0", f"unix://{self._socket}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",  # the directory that the daemon was started in may go
                start_new_session=True,
                umask=PODMAN_UMASK,
                env=self._environment,
            )
        finally:
            os.close(output)

    def _trim_output(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._output.stat().st_size > _LOG_LIMIT:
                with self._output.open("r+b") as file:
                    file.seek(-_LOG_LIMIT // 4, os.SEEK_END)
                    tail = file.read()
                    file.seek(0)
                    file.truncate()
                    file.write(tail)

    async def _last_words(self) -> str:
        def read() -> str:
            try:
                with self._output.open("rb") as file:
                    file.seek(self._output_start)
                    return " | ".join(file.read().decode(errors="replace").splitlines()[-3:])
            except OSError:
                return ""

        return await asyncio.to_thread(read) or "it said nothing"

    def _record(self, pid: int) -> None:
        self._pid_file.write_text(f"{pid}\n")

    def _is_recorded(self, pid: int) -> bool:
        try:
            return self._pid_file.read_text().strip() == str(pid)
        except OSError:
            return False

    def _forget(self) -> None:
        self._pid_file.unlink(missing_ok=True)
        self._socket.unlink(missing_ok=True)

    def _keep_socket(self) -> None:
        self._second_name.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self._second_name.hardlink_to(self._socket)

    def _restore_socket(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._second_name.replace(self._socket)
        self._second_name.unlink(missing_ok=True)  # where both are the same file, nothing was replaced


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Do work that may not be broken off: whoever is cancelled meanwhile waits for its end."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled:
        raise cancelled
