"""The client's contract with a real Podman: containers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from archipelago.container.logs.file import LogFile
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import (
    AlreadyExists,
    BadRequest,
    ImageMissing,
    NotFound,
    PodmanConflict,
    PodmanFailure,
    PodmanTimeout,
    PortTaken,
)
from archipelago.container.podman_client.models import ContainerState, LogStream
from archipelago.container.podman_client.spec import (
    BindMount,
    IdMappings,
    IdRange,
    NetworkAttachment,
    PortMapping,
    ResourceLimits,
    TmpfsMount,
    Ulimit,
)
from archipelago.support.process import process_exit
from support.harness import free_port
from support.podman_fixtures import TEST_IMAGE, Corner

pytestmark = pytest.mark.timeout(300)

PATIENCE = 100.0
"""Seconds for what takes a few on a busy machine."""
RECENT = 300.0
"""Seconds: a clock that is wrong, or another time zone, is further away."""


async def test_it_knows_version_and_host(podman: PodmanClient) -> None:
    version, info = await podman.version(), await podman.info()
    assert version.number >= (4, 3, 0)
    assert info.rootless and info.version == version.version and info.network_backend == "netavark"


async def test_a_container_lives_and_dies(corner: Corner) -> None:
    containers, spec = corner.podman.containers, corner.spec()
    container_id = await containers.create(spec)
    assert (await containers.inspect(spec.name)).state is ContainerState.CREATED
    assert await containers.start(spec.name)
    assert not await containers.start(spec.name)
    (summary,) = await containers.list(labels=dict(corner.labels))
    assert (summary.id, summary.name, summary.state) == (container_id, spec.name, ContainerState.RUNNING)
    assert summary.started_at and abs((datetime.now(UTC) - summary.started_at).total_seconds()) < RECENT
    assert summary.pid > 0 and summary.exited_at is None
    assert await containers.stop(spec.name, timeout=1)
    assert not await containers.stop(spec.name, timeout=1)
    details = await containers.inspect(container_id)
    assert details.state is ContainerState.EXITED and details.finished_at and details.pid == 0
    assert await containers.list(all=False, labels=dict(corner.labels)) == ()
    assert await containers.remove(spec.name)
    assert not await containers.remove(spec.name)
    assert not await containers.exists(spec.name)


async def test_wait_gives_the_exit_code(corner: Corner) -> None:
    name = await corner.running("exits", "sh", "-c", "exit 7")
    assert await corner.podman.containers.wait(name, timeout=PATIENCE) == 7
    assert (await corner.podman.containers.inspect(name)).exit_code == 7
    slow = await corner.running("slow")
    with pytest.raises(PodmanTimeout):
        await corner.podman.containers.wait(slow, timeout=0.2)


async def test_a_death_is_seen_at_once_through_its_process(corner: Corner) -> None:
    name = await corner.running()
    details = await corner.podman.containers.inspect(name)
    watch = asyncio.create_task(process_exit(details.pid))
    await asyncio.sleep(0)
    await corner.podman.containers.kill(name)
    await asyncio.wait_for(watch, PATIENCE)
    assert await corner.podman.containers.start(name), "a container starts anew right after its death was seen"


async def test_security_takes_effect(corner: Corner) -> None:
    name = await corner.running()
    status = await _cat(corner, name, "/proc/1/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {fields[key] for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    assert (await corner.podman.containers.exec(name, ["touch", "/data/x"])).exit_code != 0
    assert (await corner.podman.containers.exec(name, ["touch", "/run/x"])).exit_code != 0
    assert (await corner.podman.containers.inspect(name)).read_only


async def test_a_capability_can_be_added_back(corner: Corner) -> None:
    name = await corner.running(cap_add=("CHOWN",))
    assert "CapEff:\t0000000000000001" in await _cat(corner, name, "/proc/1/status")


async def test_a_seccomp_profile_is_used(corner: Corner, tmp_path: Path) -> None:
    profile = tmp_path / "seccomp.json"
    rule = '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}'
    profile.write_text(f'{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}')
    name = await corner.running(seccomp_profile=PurePosixPath(profile), mounts=_SCRATCH)
    done = await corner.podman.containers.exec(name, ["/bin/busybox", "mkdir", "/scratch/x"])
    assert done.exit_code != 0 and b"assign requested address" in done.stderr


async def test_users_are_mapped_as_asked(corner: Corner) -> None:
    maps = IdMappings((IdRange(0, 70_001, 2_000),), (IdRange(0, 80_001, 2_000),))
    name = await corner.running(id_mappings=maps, user="1000:1000", umask="0077")
    outside = (await corner.podman.info()).uid_map
    base = next(one for one in outside if one.container_id <= 70_001 < one.container_id + one.size)
    pid = (await corner.podman.containers.inspect(name)).pid
    uid_map = await asyncio.to_thread((Path("/proc") / str(pid) / "uid_map").read_text)
    assert uid_map.split() == ["0", str(base.host_id + 70_001 - base.container_id), "2000"]
    assert (await corner.podman.containers.exec(name, ["id", "-u"])).stdout == b"1000\n"
    assert "Umask:\t0077" in await _cat(corner, name, "/proc/1/status")
    with pytest.raises(PodmanTimeout):
        await corner.podman.containers.exec(name, ["sleep", "999"], timeout=0.3)
    await _until_no_process(corner, name, "999")  # a command past its time is killed, whoever its user is


async def test_mounts_take_effect(corner: Corner, tmp_path: Path) -> None:
    (tmp_path / "ro").mkdir()
    (tmp_path / "rw").mkdir()
    (tmp_path / "ro" / "file").write_text("of the host")
    mounts = (
        BindMount(PurePosixPath(tmp_path / "ro"), PurePosixPath("/ro")),
        BindMount(PurePosixPath(tmp_path / "rw"), PurePosixPath("/rw"), read_only=False),
        TmpfsMount(PurePosixPath("/scratch"), 64 * 1024, 0o700),
    )
    name = await corner.running(mounts=mounts)
    assert await _cat(corner, name, "/ro/file") == "of the host"
    run = corner.podman.containers.exec
    assert (await run(name, ["touch", "/ro/x"])).exit_code != 0
    assert (await run(name, ["sh", "-c", "echo inside > /rw/x"])).exit_code == 0
    assert (tmp_path / "rw" / "x").read_text() == "inside\n"
    assert (await run(name, ["stat", "-c", "%a", "/scratch"])).stdout == b"700\n"
    full = await run(name, ["dd", "if=/dev/zero", "of=/scratch/x", "bs=1k", "count=100"])
    assert full.exit_code != 0 and b"No space" in full.stderr
    lines = (await _cat(corner, name, "/proc/mounts")).splitlines()
    table = {line.split()[1]: line.split()[3].split(",") for line in lines}
    assert {"ro", "nosuid", "nodev"} <= set(table["/ro"]) and {"rw", "nosuid", "nodev"} <= set(table["/rw"])
    assert {"nosuid", "nodev", "noexec"} <= set(table["/scratch"])


async def test_the_rest_of_the_spec_takes_effect(corner: Corner) -> None:
    spec = corner.spec(
        env={"GREETING": "a=b c"},
        hostname="harbour",
        workdir="/data",
        annotations={"io.archipelago.note": "kept"},
        ulimits=(Ulimit("nofile", 123, 456),),
        oom_score_adj=500,
        limits=ResourceLimits(memory=64 << 20, memory_swap=64 << 20, cpu_quota=50_000, pids=77),
        stop_signal="SIGINT",
        stop_timeout=3,
        log_max_size=10_000,
        mask=("/data",),
        shm_size=1 << 20,
        init=True,
    )
    await corner.podman.containers.create(spec)
    details = await corner.podman.containers.inspect(spec.name)
    assert (details.stop_signal, details.stop_timeout) == (2, 3)
    limits = details.limits
    assert (limits.memory, limits.cpu_quota, limits.pids) == (64 << 20, 50_000, 77)
    await corner.podman.containers.start(spec.name)
    script = "echo $GREETING; hostname; pwd; ulimit -n; ulimit -Hn; cat /proc/1/oom_score_adj; cat /proc/1/comm"
    done = await corner.podman.containers.exec(spec.name, ["sh", "-c", script])
    greeting, hostname, workdir, soft, hard, oom, first = done.stdout.decode().split("\n")[:7]
    assert (greeting, hostname, workdir, soft, hard) == ("a=b c", "harbour", "/data", "123", "456")
    assert int(oom) >= 500 and first in ("podman-init", "catatonit")
    assert " /data " in await _cat(corner, spec.name, "/proc/mounts"), "masked"
    arguments = await asyncio.to_thread(_monitor_of, details.id)
    assert arguments[arguments.index("--log-size-max") + 1] == "10000", "a log that never ends would fill the disk"


async def test_an_image_s_own_command_is_the_default(corner: Corner) -> None:
    spec = corner.spec(command=None)
    await corner.podman.containers.create(spec)
    await corner.podman.containers.start(spec.name)
    assert "1000" in await _processes(corner, spec.name)


async def test_errors_have_types(corner: Corner) -> None:
    containers, name = corner.podman.containers, await corner.running()
    with pytest.raises(AlreadyExists) as taken:
        await containers.create(corner.spec())
    assert name in str(taken.value) and "create container" in str(taken.value)
    with pytest.raises(ImageMissing, match="localhost/none:1"):
        await containers.create(corner.spec("other", image="localhost/none:1"))
    with pytest.raises(NotFound, match="network"):
        await containers.create(corner.spec("other", networks={corner.name("none"): NetworkAttachment()}))
    with pytest.raises(PodmanConflict):
        await containers.remove(name)
    with pytest.raises(NotFound):
        await containers.remove(corner.name("none"), ignore_missing=False)
    with pytest.raises(NotFound):
        await containers.inspect(corner.name("none"))
    with pytest.raises(NotFound):
        await containers.stop(corner.name("none"))
    assert not await containers.stop(corner.name("none"), ignore_missing=True)
    with pytest.raises(BadRequest):
        await containers.kill(name, "SIGNONSENSE")
    with pytest.raises(PodmanFailure, match="nonsense"):
        await corner.running("bad", "nonsense")
    await containers.kill(name)
    await containers.wait(name, timeout=PATIENCE)
    with pytest.raises(PodmanConflict):
        await containers.kill(name)
    with pytest.raises(PodmanConflict):
        await containers.exec(name, ["true"])


async def test_a_part_of_an_id_is_refused(corner: Corner) -> None:
    name = await corner.running()
    full = (await corner.podman.containers.inspect(name)).id
    for part in (full[:12], full[:2], "e8", "", "a/../b", "x?y"):
        with pytest.raises(BadRequest):
            await corner.podman.containers.inspect(part)
    with pytest.raises(BadRequest):
        await corner.podman.containers.create(corner.spec("x", name="e8"))


async def test_a_taken_port_is_named(corner: Corner, podman_runtime: Path) -> None:
    network = await corner.network(internal=False)
    with socket.socket() as taken:
        port = free_port()  # which no connection of another program gets before the container does
        taken.bind(("127.0.0.1", port))
        taken.listen()
        spec = corner.spec(networks={network.name: NetworkAttachment()}, ports=(PortMapping(80, port),))
        await corner.podman.containers.create(spec)
        with pytest.raises(PortTaken) as error:
            await corner.podman.containers.start(spec.name, ports=spec.ports)
        assert (error.value.host_ip, error.value.port) == ("127.0.0.1", port)
        with pytest.raises(PortTaken) as error:
            await corner.podman.containers.start(spec.name)
        assert (error.value.host_ip, error.value.port) == ("127.0.0.1", port), "Podman says so too, but late"
    assert await corner.podman.containers.start(spec.name, ports=spec.ports), "it starts once the port is free"
    # What Podman's own failure leaves behind would break the name service of the tests that follow.
    await corner.podman.containers.remove(spec.name, force=True)
    left = podman_runtime / "containers" / "networks" / "aardvark-dns" / network.name
    await asyncio.to_thread(left.unlink, missing_ok=True)


async def test_a_published_port_answers(corner: Corner) -> None:
    network = await corner.network(internal=False)
    port = free_port()
    places, ports = {network.name: NetworkAttachment()}, (PortMapping(8000, port),)
    await corner.running("web", "httpd", "-f", "-p", "8000", "-h", "/etc", networks=places, ports=ports)
    reader, writer = await _open(port)
    writer.write(b"GET /passwd HTTP/1.0\r\n\r\n")
    assert b"app:x:1000" in await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()


async def test_what_a_container_writes_is_in_the_file_it_was_told(corner: Corner, tmp_path: Path) -> None:
    long = "yes x | head -c 20000 | /bin/busybox tr -d '\\n'; echo"
    command = f"echo one; echo two >&2; printf part; sleep 0.1; echo ial; {long}; echo end"
    path = tmp_path / "talks.log"
    log = LogFile(path, str)
    for run in range(2):
        name = await corner.running("talks", "sh", "-c", command, log_path=PurePosixPath(path))
        await corner.podman.containers.wait(name, timeout=PATIENCE)
        lines = log.last(100) if not run else log.next() or []
        assert [line.text for line in lines if line.stream is LogStream.STDERR] == ["two"]
        expected = ["one", "partial", "x" * 10_000, "end"]
        assert [line.text for line in lines if line.stream is LogStream.STDOUT] == expected
        assert all(abs((datetime.now(UTC) - line.at).total_seconds()) < RECENT for line in lines)
        await corner.podman.containers.remove(name, force=True)
    log.close()


async def test_of_a_log_that_conmon_begins_anew_nothing_is_lost(corner: Corner, tmp_path: Path) -> None:
    # Some ten files, one after the other, of a program that waits for its reader five times in each.
    script = (
        "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; "
        "[ $((i % 50)) != 0 ] || while [ ! -e /pace/$i ]; do sleep 0.01; done; done"
    )
    path, pace = tmp_path / "talks.log", tmp_path / "pace"
    pace.mkdir()
    mounts = (BindMount(PurePosixPath(pace), PurePosixPath("/pace")),)
    log = LogFile(path, str)
    name = await corner.running(
        *("talks", "sh", "-c", script), log_path=PurePosixPath(path), log_max_size=16_000, mounts=mounts
    )
    ended = asyncio.create_task(corner.podman.containers.wait(name, timeout=PATIENCE))
    found: list[str] = []
    files = [0]
    while True:
        over = ended.done()
        lines = log.next()
        found += [line.text for line in lines or ()]
        (pace / str(len(found) // 50 * 50)).touch()
        if (number := path.stat().st_ino) != files[-1]:
            files.append(number)
        if over and lines is None:
            break
        await asyncio.sleep(0.002)  # as a reader does who finds nothing
    log.close()
    assert found == [f"line {number}" for number in range(1, 3001)]
    assert len(files) > 3


async def test_exec(corner: Corner) -> None:
    name, run = await corner.running(), corner.podman.containers.exec
    done = await run(name, ["sh", "-c", "echo $A; echo err >&2; pwd; exit 3"], env={"A": "b"}, workdir="/etc")
    assert (done.exit_code, done.stdout, done.stderr, done.truncated) == (3, b"b\n/etc\n", b"err\n", False)
    assert (await run(name, ["id", "-u"], user="1000")).stdout == b"1000\n"
    big = await run(name, ["sh", "-c", "yes | head -c 3000000; exit 4"], max_output=1000)
    assert big.truncated and len(big.stdout) == 1000 and big.exit_code == 4
    with pytest.raises(PodmanTimeout):
        await run(name, ["sleep", "999"], timeout=0.3)
    await _until_no_process(corner, name, "999")
    assert (await run(name, ["no-such-program"])).exit_code == 127


async def test_many_execs_at_once_keep_their_outputs_apart(corner: Corner) -> None:
    name = await corner.running()
    runs = (corner.podman.containers.exec(name, ["echo", str(number)]) for number in range(8))
    assert [done.stdout for done in await asyncio.gather(*runs)] == [f"{number}\n".encode() for number in range(8)]


async def test_stats(corner: Corner) -> None:
    network = await corner.network()
    names = [await corner.running(what, networks={network.name: NetworkAttachment()}) for what in ("a", "b")]
    stats = await corner.podman.containers.stats(names)
    assert sorted(one.name for one in stats) == names
    assert [one.name for one in await corner.podman.containers.stats([names[0], corner.name("none")])] == names[:1]


async def test_twenty_at_once(corner: Corner) -> None:
    network = await corner.network()
    places = {network.name: NetworkAttachment()}
    names = await asyncio.gather(*(corner.running(f"n{number}", networks=places) for number in range(20)))
    listed = await corner.podman.containers.list(labels=dict(corner.labels))
    assert {one.name for one in listed if one.state is ContainerState.RUNNING} == set(names)
    addresses = {(await corner.podman.containers.inspect(name)).networks[network.name].ip for name in names}
    assert len(addresses) == 20 and None not in addresses
    assert all(one.image == TEST_IMAGE for one in listed)


_SCRATCH = (TmpfsMount(PurePosixPath("/scratch"), 1 << 20),)


async def _cat(corner: Corner, name: str, path: str) -> str:
    return (await corner.podman.containers.exec(name, ["cat", path])).stdout.decode()


async def _processes(corner: Corner, name: str) -> str:
    done = await corner.podman.containers.exec(
        name, ["sh", "-c", "cat /proc/[0-9]*/cmdline | /bin/busybox tr '\\0' ' '"]
    )
    return done.stdout.decode()


async def _until_no_process(corner: Corner, name: str, word: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while word in await _processes(corner, name):
            await asyncio.sleep(0.1)  # whoever gave the command up waits ten seconds for its end; then it goes on


async def _open(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.02)  # no event tells a stranger


def _monitor_of(container: str) -> list[str]:
    """Return the arguments of the conmon that watches a container."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_text().split("\0")
            # Those of its commands, of which the last may not have ended, have another one at `-u`.
            if words[0].endswith("conmon") and words[words.index("-u") + 1] == container:
                return words
    raise LookupError(container)
