"""Runs the commands that make an image, each in a throw-away container, and lets nothing out but what is taken.

A build has a root file system in a directory of its own. Its files belong to a range of user ids that no app and no
user of this host has; the daemon itself reaches them by `build/agent` alone. A command of the build runs in a container
on that directory: no network, no path or socket of the host, no capability that its user does not need, the seccomp
profile of apps, and limits of memory, processes, time, disk and output. What goes in and comes out are tar files.

    async with sandbox.root(folder, image) as root:
        await root.put(tar)
        result = await root.run(Step(("/usr/bin/make",)))
        await root.take("/out", folder / "out.tar", largest=1 << 30)
"""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.images.build import agent as build_agent
from archipelago.container.images.build.leftovers import BUILD_VARIABLE, build_labels, new_container_name
from archipelago.container.images.build.tool_process import SOURCE_DATE, environment, run_tool
from archipelago.container.images.build.watch import BuildLimits, BuildStopped, DiskUsage, StepWatch, last_output
from archipelago.container.manifest.model.scalars import IDS_PER_APP as IDS
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.models import ContainerState
from archipelago.container.podman_client.spec import (
    ContainerSpec,
    IdMappings,
    IdRange,
    ResourceLimits,
    TmpfsMount,
    Ulimit,
)
from archipelago.container.podman_client.wire.tar import read_pieces
from archipelago.security.container_policies.confinement import MASKED, enforceable
from archipelago.security.container_policies.seccomp import build_seccomp_json
from archipelago.storage.stores.app_rows import MAX_SLOTS
from archipelago.support.texts.text import msg

FIRST_ID: Final = 1 + MAX_SLOTS * IDS
"""The range after the last one that an app can get, as in the service user's namespace."""
ROOT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""What a command that runs as root keeps, so that it can install files for others; other users keep nothing."""
_AGENT = Path(build_agent.__file__)
_OPEN_FILES = 4096
_MOST_PROCESSES = 4096
"""The kernel counts against this limit what runs in all containers of the node, so it is no more than a last resort."""
_MIB = 1 << 20
_NOTICED = 10.0
"""Seconds in which Podman notices the end of a process."""


@dataclass(frozen=True, slots=True)
class BuildCommand:
    """A command of a build. `user` is as in an image: names or numbers, with a group or without; empty is root."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""

    @property
    def is_root(self) -> bool:
        """Whether it runs as root of its container."""
        return self.user.partition(":")[0] in ("", "0", "root")


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a command ended, and the end of what it wrote to both of its outputs, at most 64 KiB."""

    exit_code: int
    output: str


async def agent_command(command: str, path: Path, *arguments: str) -> tuple[str, ...]:
    """Return the command that has `images/build/agent` do something."""
    source = await asyncio.to_thread(_AGENT.read_text, encoding="utf-8")
    program = ("podman", "unshare", sys.executable, "-I", "-c", source)
    return (*program, str(FIRST_ID), command, str(path), *arguments)


class BuildClock:
    """The time that a build has: it passes also between commands, but not while another build has its turn."""

    def __init__(self, total: float, now: Callable[[], float]) -> None:
        self._now = now
        self._deadline = now() + total

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._deadline - self._now()

    @contextlib.asynccontextmanager
    async def turn(self, lock: asyncio.Lock) -> AsyncIterator[None]:
        """Wait for a turn, and have it meanwhile; the clock stands still until it comes."""
        begun = self._now()
        async with lock:
            self._deadline += self._now() - begun
            yield


class BuildRoot:
    """The root file system of one build."""

    def __init__(self, sandbox: "BuildSandbox", folder: Path, limits: BuildLimits) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._limits = limits
        self._image = DiskUsage(0, 0)
        self._clock = BuildClock(limits.total_time, asyncio.get_running_loop().time)

    @property
    def path(self) -> Path:
        """The directory of this host that is the root."""
        return self._folder / "root"

    async def fill(self, pieces: AsyncIterator[bytes]) -> None:
        """Unpack a whole root file system, a tar file; call it once, first."""
        await self._agent("start")
        await self._agent("unpack", given=pieces)
        self._image = await self.usage()

    async def put(self, tar: Path) -> None:
        """Write the files and directories of a tar file, whose names are paths in the root, over what is there.

        Directories that are missing on the way are made. Where the path of a file turns out to be a directory, the file
        comes into it, under the name that its header `build_agent.INTO` says. Raises `BuildStopped`.
        """
        await self._agent("put", given=read_pieces(tar))

    async def run(self, step: BuildCommand) -> StepResult:
        """Run a command to its end. Raises `BuildStopped` where it reaches a limit, and `PodmanError`."""
        return await self._sandbox.run(self, step, self._folder, self._limits, self._clock)

    async def take(self, path: str, target: Path, *, largest: int) -> None:
        """Write the files below a path of the root into a new tar file `target`, with names relative to that path.

        They are regular files, at most `largest` bytes together, and their names are relative and without `..`. What is
        in them is foreign. Raises `BuildStopped`.
        """
        await self._agent("take", path, str(largest), output=target)

    async def pack(self, target: Path) -> None:
        """Write the whole root into a new tar file; the same files give the same bytes, whatever their times."""
        await self._agent("pack", SOURCE_DATE, output=target)

    async def usage(self) -> DiskUsage:
        """Count what is in the root."""
        total, count = (await self._agent("size")).split()
        return DiskUsage(int(total), int(count))

    async def growth(self) -> DiskUsage:
        """Count what was added to the image."""
        now = await self.usage()
        return DiskUsage(now.size - self._image.size, now.files - self._image.files)

    async def _agent(
        self, command: str, *arguments: str, given: AsyncIterator[bytes] | None = None, output: Path | None = None
    ) -> str:
        program = await agent_command(command, self.path, *arguments)
        own = {BUILD_VARIABLE: f"{self._folder}/"}
        code, said = await run_tool(program, environment() | own, given=given, output=output)
        if code != 0:
            reason = said.strip().removeprefix("error: ")
            raise BuildStopped(
                msg("{command}: {reason}", command=command, reason=reason or msg("exit code {code}", code=code)),
                msg("see the message"),
            )
        return said


class BuildSandbox:
    """Makes the roots of builds and runs their commands, one command at a time on the whole node.

    `work` is the directory in which builds have their folders; nobody else uses it.
    """

    def __init__(self, client: PodmanClient, work: Path, cgroup: ControlGroup) -> None:
        self._client = client
        self._labels = build_labels(work)
        self._cgroup = cgroup
        self._turn = asyncio.Lock()

    async def run_tool(self, command: Sequence[str], folder: Path, hidden: Sequence[Path]) -> tuple[int, str]:
        """Run a program of the host as the user of a build; return its exit code and the last that it said.

        It finds the folder of its build at `build_agent.SHOWN`, in which `overlay` belongs to it, and empty directories
        in place of the `hidden` ones. It is to write `tool/output.tar` there, which becomes `output.tar`.
        """
        await self._refuse_few_ids()
        program = await agent_command("tool", folder, *map(str, hidden), "--", *command)
        return await run_tool(
            program, environment() | {"TMPDIR": f"{build_agent.SHOWN}/tool", BUILD_VARIABLE: f"{folder}/"}
        )

    @contextlib.asynccontextmanager
    async def root(self, folder: Path, image: str, limits: BuildLimits | None = None) -> AsyncIterator[BuildRoot]:
        """Yield a root that holds the files of an image, in an empty folder of a build, which its user removes.

        Raises `BuildStopped` and `PodmanError`.
        """
        await self._refuse_few_ids()
        root = BuildRoot(self, folder, limits or BuildLimits())
        # Podman exports containers alone; this one never runs.
        spec = ContainerSpec(name=new_container_name(), image=image, command=("/",), labels=self._labels)
        async with self._container(spec) as name, self._client.containers.export(name) as pieces:
            await root.fill(pieces)
        yield root

    async def run(
        self, root: BuildRoot, step: BuildCommand, folder: Path, limits: BuildLimits, clock: BuildClock
    ) -> StepResult:
        """Run a command on a root, in what its clock has left; see `BuildRoot.run`."""
        log, seccomp = folder / f"{secrets.token_hex(8)}.log", folder / "seccomp.json"
        await asyncio.to_thread(seccomp.write_text, build_seccomp_json(), encoding="utf-8")
        spec = self._spec(root.path, step, limits, log, seccomp)
        async with clock.turn(self._turn), self._container(spec) as name:
            await self._client.containers.init(name)
            found = await self._client.containers.inspect(name)
            watch = StepWatch(root.growth, folder, log, limits, await self._host_ids())
            watching = asyncio.create_task(watch.run(found.pid, clock.left))
            try:
                await self._client.containers.start(name)
                await watching
            finally:
                watching.cancel()
            code = await self._exit_code(name, found.oom_killed)
            return StepResult(code, await asyncio.to_thread(last_output, log))

    async def _exit_code(self, name: str, killed: bool) -> int:
        async with asyncio.timeout(_NOTICED):
            while True:
                found = await self._client.containers.inspect(name)
                if found.state in (ContainerState.EXITED, ContainerState.STOPPED):
                    break
                await asyncio.sleep(0.02)
        if found.oom_killed or killed:
            raise BuildStopped(msg("it needs more memory than a build may use"), msg("let it build less at a time"))
        return found.exit_code

    def _spec(self, root: Path, step: BuildCommand, limits: BuildLimits, log: Path, seccomp: Path) -> ContainerSpec:
        ids = (IdRange(container_id=0, host_id=FIRST_ID, size=IDS),)
        ulimits = [
            Ulimit("core", 0, 0),
            Ulimit("fsize", limits.disk, limits.disk),
            Ulimit("nofile", _OPEN_FILES, _OPEN_FILES),
            Ulimit("nproc", _MOST_PROCESSES, _MOST_PROCESSES),
        ]
        if "memory" not in self._cgroup.controllers:
            ulimits.append(Ulimit("data", limits.memory, limits.memory))
        wanted = ResourceLimits(memory=limits.memory, memory_swap=limits.memory, pids=limits.processes)
        return ContainerSpec(
            name=new_container_name(),
            rootfs=PurePosixPath(root),
            command=step.command,
            env=step.environment,
            labels=self._labels,
            user=step.user,
            hostname="build",
            workdir=step.workdir,
            umask="0022",
            read_only_filesystem=False,
            mounts=tuple(TmpfsMount(PurePosixPath(path), 64 * _MIB) for path in ("/run", "/dev/shm")),  # noqa: S108
            cap_add=ROOT_CAPABILITIES if step.is_root else (),
            seccomp_profile=PurePosixPath(seccomp),
            mask=MASKED,
            id_mappings=IdMappings(uids=ids, gids=ids),
            limits=enforceable(wanted, self._cgroup),
            cgroup_parent=self._cgroup.parent,
            ulimits=tuple(ulimits),
            oom_score_adj=500,
            log_path=PurePosixPath(log),
            log_max_size=limits.output,
        )

    @contextlib.asynccontextmanager
    async def _container(self, spec: ContainerSpec) -> AsyncIterator[str]:
        """Yield the name of a new container, which is removed with all its processes, whatever comes."""
        creating = asyncio.create_task(self._client.containers.create(spec))
        try:
            await asyncio.shield(creating)
            yield spec.name
        finally:
            await asyncio.shield(asyncio.create_task(self._remove(spec.name, creating)))

    async def _remove(self, name: str, creating: "asyncio.Task[str]") -> None:
        await asyncio.wait([creating])
        await self._client.containers.remove(name, force=True)

    async def _refuse_few_ids(self) -> None:
        granted = sum(part.size for part in (await self._client.info()).uid_map if part.container_id > 0)
        if granted < FIRST_ID + IDS - 1:
            raise BuildStopped(
                msg(
                    "no user ids are left for builds: {granted} subordinate ids are granted, {first_id} needed",
                    granted=granted,
                    first_id=FIRST_ID + IDS - 1,
                ),
                msg("run 'make setup', which grants them"),
            )

    async def _host_ids(self) -> range:
        for part in (await self._client.info()).uid_map:
            if part.container_id <= FIRST_ID < part.container_id + part.size:
                first = part.host_id + FIRST_ID - part.container_id
                return range(first, first + IDS)
        return range(0)
