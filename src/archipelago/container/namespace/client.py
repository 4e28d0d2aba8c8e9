"""The daemon's side of `namespace/agent`: probes inside containers, and files that containers own."""

import asyncio
import base64
import contextlib
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archipelago.container.namespace.agent.program import agent_program
from archipelago.container.namespace.found import FileSign, Found, Listing, Survey, listing_of, survey_of
from archipelago.container.namespace.owned_paths import OwnedPath
from archipelago.errors import DISK_REMEDY, ErrorCode, NodeError, says_disk_broken, says_disk_full
from archipelago.storage.records.volumes import Mark
from archipelago.support.process import PODMAN_UMASK
from archipelago.support.texts.text import msg

_LINE_LIMIT = 4 * 1024 * 1024
_FILE_TIMEOUT = 60.0
_REMOVE_TIMEOUT = 1800.0
_FIREWALL_TIMEOUT = 30.0
_SIGNAL_TIMEOUT = 10.0
_COPY_TIMEOUT = 24 * 3600.0
_SURVEY_TIMEOUT = 60.0
_RENAMES = "import os, sys; paths = iter(sys.argv[1:]); [os.rename(old, new) for old, new in zip(paths, paths)]"


def rename_in_namespace(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename directories that users of containers own, one after the other. Blocking; raises `NodeError`."""
    words = [str(path) for pair in moves for path in pair]
    command = ("podman", "unshare", sys.executable, "-I", "-c", _RENAMES, *words)
    done = subprocess.run(command, capture_output=True, cwd="/", umask=PODMAN_UMASK)
    if done.returncode != 0:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg(
                "{old} cannot be moved to {new}: {stderr}",
                old=moves[0][0],
                new=moves[0][1],
                stderr=done.stderr.decode(errors="replace").strip()[-300:],
            ),
            hint=msg("look whether Podman works: 'podman unshare true', as the node's user"),
        )


class ProbeFailed(Exception):
    """The container did not answer; the text says why."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer: status code and (bounded) body."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Target:
    """A running container, as a probe reaches it."""

    pid: int
    """Process ID of its first process, on the host."""
    host: str
    """Its own address, so that a service bound to loopback alone is not taken for reachable."""


class Namespace:
    """Keeps one agent alive in the user namespace and speaks to it.

    `roots` are the directories below which it may create, chown and remove files.
    """

    def __init__(self, roots: tuple[Path, ...], *, on_log: Callable[[str], None]) -> None:
        self._command = ("podman", "unshare", sys.executable, "-I", "-c", agent_program(), *map(str, roots))
        self._on_log = on_log
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._closed = False
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count(1)

    async def close(self) -> None:
        """End the agent; no other is started."""
        self._closed = True
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
        if self._reader is not None:
            await self._reader

    async def tcp(self, target: Target, port: int, timeout: float) -> None:
        """Open a TCP connection to the container and close it. Raises `ProbeFailed`."""
        await self._probe({"do": "tcp", "pid": target.pid, "host": target.host, "port": port, "timeout": timeout})

    async def http(
        self,
        target: Target,
        port: int,
        path: str,
        timeout: float,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str = "",
    ) -> HttpAnswer:
        """Send one HTTP request to the container. Raises `ProbeFailed` where there is no HTTP answer."""
        request = {"do": "http", "pid": target.pid, "host": target.host, "port": port, "timeout": timeout}
        request |= {"path": path, "method": method, "headers": dict(headers or {}), "body": body}
        answer = await self._probe(request)
        return HttpAnswer(answer["status"], answer["body"])

    async def exchange(self, target: Target, port: int, text: str, timeout: float) -> str:
        """Send a text to a port of the container, and return what comes until it hangs up. Raises `ProbeFailed`."""
        request = {"do": "exchange", "pid": target.pid, "host": target.host, "port": port, "timeout": timeout}
        return str((await self._probe({**request, "text": text}))["text"])

    async def dns(self, target: Target, name: str, timeout: float) -> bool:
        """Return whether the name server at `target` answers the container, whatever it says. Raises `ProbeFailed`."""
        request = {"do": "dns", "pid": target.pid, "host": target.host, "port": 53, "name": name, "timeout": timeout}
        return bool((await self._probe(request))["answered"])

    async def firewall(self, pid: int, rules: str) -> None:
        """Load a script of nft(8) in the network namespace of a process; 0 tries it where it has no effect.

        Raises `NodeError` where it cannot be loaded.
        """
        answer = await self._tried({"do": "firewall", "pid": pid, "rules": rules}, _FIREWALL_TIMEOUT)
        if not answer["ok"]:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("the firewall of process {pid} cannot be set: {error}", pid=pid, error=answer["error"]),
                hint=msg("look whether the kernel has nf_tables: 'archipelago doctor'"),
            )

    async def announce_addresses(self, pid: int) -> None:
        """Have bridges in the network namespace of a process announce new hardware addresses. Raises `NodeError`."""
        answer = await self._tried({"do": "announce", "pid": pid}, _SIGNAL_TIMEOUT)
        if not answer["ok"]:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("arp_notify cannot be set for process {pid}: {error}", pid=pid, error=answer["error"]),
            )

    async def signal(self, pid: int, sign: signal.Signals) -> None:
        """Send a signal to a process of a container, whoever its user is; one that is gone is no error."""
        answer = await self._tried({"do": "signal", "pid": pid, "signal": sign.value}, _SIGNAL_TIMEOUT)
        if not answer["ok"]:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("process {pid} cannot be sent {signal}: {error}", pid=pid, signal=sign.name, error=answer["error"]),
            )

    async def make(self, wanted: Sequence[OwnedPath]) -> None:
        """Make sure of directories and files, one after the other, with one request. Raises `NodeError`."""
        if not wanted:
            return
        # The agent stops at the first that fails.
        whole = {"do": "each", "path": wanted[0].path, "requests": [each.words for each in wanted]}
        answer = await self._file(whole, _FILE_TIMEOUT * len(wanted))
        for each, one in zip(wanted, answer["answers"], strict=False):
            _require(each.path, one)

    async def look(self, path: str, uid: int, gid: int, ids: int, *, divided: bool = False) -> Found | None:
        """Return what is in the place of a volume, None for nothing; its app has a range of so many `ids`.

        A `divided` volume is root's, and what is in it is the app's.
        """
        request = {"do": "look", "path": path, "uid": uid, "gid": gid, "ids": ids, "divided": divided}
        answer = await self._file(request, _FILE_TIMEOUT)
        if not answer["there"]:
            return None
        mark = Mark(answer["inode"], answer["filesystem"])
        return Found(
            mark, **{key: answer[key] for key in ("empty", "foreign", "owner", "chown", "read_only", "mounted")}
        )

    async def mounts(self, path: str) -> tuple[str, ...]:
        """Return where file systems are mounted at a directory or below it; none where there is nothing."""
        return tuple((await self._file({"do": "mounts", "path": path}, _FILE_TIMEOUT))["mounts"])

    async def rename(self, path: str, to: str) -> None:
        """Move a directory within its file system, whoever owns it; what is in the place of `to` must be empty."""
        await self._file({"do": "rename", "path": path, "to": to}, _FILE_TIMEOUT)

    async def remove(self, path: str) -> None:
        """Remove a directory with all that is in it, whoever owns it."""
        await self._file({"do": "remove", "path": path}, _REMOVE_TIMEOUT)

    async def size(self, path: str, timeout: float, *, gentle: bool = False) -> tuple[int, bool]:
        """Return the bytes that a directory takes on the disk, and whether all was counted in `timeout` seconds.

        A gentle count works for a quarter of the time.
        """
        request = {"do": "size", "path": path, "timeout": timeout, "gentle": gentle}
        answer = await self._file(request, timeout + _FILE_TIMEOUT)
        return int(answer["bytes"]), bool(answer["complete"])

    async def find(self, volume: str, paths: Sequence[Sequence[str]]) -> tuple[bool, ...]:
        """Return for each path inside a volume, given as names, whether something is there; links are not followed."""
        answer = await self._file(
            {"do": "find", "path": volume, "paths": [list(each) for each in paths]}, _FILE_TIMEOUT
        )
        return tuple(map(bool, answer["found"]))

    async def set_aside(self, volume: str, names: Sequence[str], suffix: str) -> bool:
        """Add a suffix to the name of what is inside a volume; return whether there was something."""
        request = {"do": "aside", "path": volume, "names": list(names), "suffix": suffix}
        return bool((await self._file(request, _FILE_TIMEOUT))["moved"])

    async def discard(self, volume: str, names: Sequence[str]) -> None:
        """Delete what is inside a volume under a path, or all that is in it where there are no names."""
        await self._file({"do": "discard", "path": volume, "names": list(names)}, _REMOVE_TIMEOUT)

    async def put(self, volume: str, names: Sequence[str], content: bytes) -> None:
        """Write a file inside a volume, whose owner owns it; folders on the way are made. No link is followed."""
        encoded = base64.b64encode(content).decode()
        await self._file({"do": "put", "path": volume, "names": list(names), "content": encoded}, _FILE_TIMEOUT)

    async def list_folder(
        self, volume: str, names: Sequence[str], after: str, limit: int, timeout: float
    ) -> Listing | None:
        """Return entries of a folder in a volume, by name, of those after one; None where there is no such folder.

        Names that are not UTF-8 have surrogates (os.fsdecode). Links are not followed.
        """
        request = {"do": "list", "path": volume, "names": list(names), "after": after, "limit": limit}
        return listing_of(await self._file({**request, "timeout": timeout}, timeout + _FILE_TIMEOUT))

    async def read_piece(self, volume: str, names: Sequence[str], offset: int, length: int) -> tuple[bytes, int] | None:
        """Return a piece of a file in a volume, and the size of the file; None where there is none."""
        request = {"do": "read", "path": volume, "names": list(names), "offset": offset, "length": length}
        answer = await self._file(request, _FILE_TIMEOUT)
        return (base64.b64decode(answer["content"]), int(answer["size"])) if answer["there"] else None

    async def await_change(
        self, volume: str, names: Sequence[str], known: FileSign | None, timeout: float
    ) -> FileSign | None:
        """Return the sign of a file in a volume once it differs from the `known` one, or after `timeout` seconds.

        None stands for no file. Raises `NodeError`.
        """
        request = {"do": "await-change", "path": volume, "names": list(names), "known": known, "timeout": timeout}
        sign = (await self._file(request, timeout + _FILE_TIMEOUT))["sign"]
        return None if sign is None else tuple(sign)

    async def read(self, volume: str, names: Sequence[str], limit: int) -> tuple[bytes, FileSign] | None:
        """Return the content of a file in a volume with its sign; None where it changed meanwhile. Raises `NodeError`.

        No link is followed, and a file of more than `limit` bytes is an error.
        """
        request = {"do": "read-whole", "path": volume, "names": list(names), "limit": limit}
        answer = await self._file(request, _FILE_TIMEOUT)
        return (base64.b64decode(answer["content"]), tuple(answer["sign"])) if answer["whole"] else None

    async def survey(self, path: str) -> Survey:
        """Return what a copy of a volume would take. Raises `NodeError`."""
        answer = await self._file({"do": "survey", "path": path, "timeout": _SURVEY_TIMEOUT}, 2 * _SURVEY_TIMEOUT)
        return survey_of(answer)

    async def can_clone(self, path: str) -> bool:
        """Return whether files in a directory can share their blocks."""
        return bool((await self._file({"do": "can-clone", "path": path}, _FILE_TIMEOUT))["clones"])

    async def flush(self, path: str) -> None:
        """Have the file system of a directory written to the disk; with a full cache that takes long."""
        await self._file({"do": "flush", "path": path}, _REMOVE_TIMEOUT)

    async def copy(self, path: str, to: str, method: str) -> None:
        """Copy a volume by a method of the agent (`agent/copies`); what a cancel leaves is to be removed."""
        number = next(self._ids)
        request = {"do": "copy", "path": path, "to": to, "method": method, "number": number}
        try:
            await self._file(request, _COPY_TIMEOUT)
        except asyncio.CancelledError:
            await self._tried({"do": "stop-copy", "number": number}, _SIGNAL_TIMEOUT)
            raise

    async def _probe(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = await self._tried(request, request["timeout"] + 1.0)
        if not answer["ok"]:
            raise ProbeFailed(answer["error"])
        return answer

    async def _file(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            answer = await self._ask(request, timeout)
        except OSError as error:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("{path}: {error}", path=request["path"], error=error or msg("no answer in time")),
            ) from error
        _require(request["path"], answer)
        return answer

    async def _tried(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return the answer to a request; where none comes, one that says so."""
        try:
            return await self._ask(request, timeout)
        except OSError as error:
            return {"ok": False, "error": str(error) or msg("no answer in time")}

    async def _ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        process = await self._running()
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps({"id": number, **request}).encode() + b"\n")
            await process.stdin.drain()
            async with asyncio.timeout(timeout):
                return await answer
        finally:
            self._waiting.pop(number, None)

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._closed:
                raise ConnectionError("the node is closing")
            process = self._process
            if process is None or process.returncode is not None:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=_LINE_LIMIT,
                    cwd="/",
                    umask=PODMAN_UMASK,
                    start_new_session=True,  # Ctrl-C is for the daemon, which still needs the agent to stop in order
                )
                self._process = process
                self._reader = asyncio.create_task(self._read(process))
            return process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None and process.stderr is not None
        complaints = asyncio.create_task(process.stderr.read(65536))
        try:
            while line := await process.stdout.readline():
                answer = json.loads(line)
                future = self._waiting.get(answer["id"])
                if future is not None and not future.done():
                    future.set_result(answer)
        except (ValueError, LookupError) as error:
            # The next question starts an agent whose answers make sense.
            self._on_log(f"the namespace agent is ended, since its answer makes no sense: {error}")
            process.kill()
        await process.wait()
        text = (await complaints).decode("utf-8", "replace").strip()
        if text:
            self._on_log(text)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError(f"the namespace agent ended: {text[-300:] or 'no reason given'}"))


def _require(path: str, answer: Mapping[str, Any]) -> None:
    """Raise `NodeError` where the agent could not do what it was asked to with a path."""
    if answer["ok"]:
        return
    words = answer["error"]
    full = says_disk_full(words)
    hint = msg("free some space, then try again") if full else msg("check the owner and the mode of the directory")
    if says_disk_broken(words):
        hint = DISK_REMEDY
    raise NodeError(
        ErrorCode.DISK_FULL if full else ErrorCode.INTERNAL,
        msg("{path}: {words}", path=path, words=words),
        hint=hint,
    )
