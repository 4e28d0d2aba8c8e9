"""The throw-away containers of builds, for real: what goes in and what comes out; limits are in tests/security."""

import io
import os
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.images.build.leftovers import remove_leftovers
from archipelago.container.images.build.sandbox import FIRST_ID, BuildCommand, BuildRoot, BuildSandbox
from archipelago.container.images.build.watch import BuildLimits, BuildStopped
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.labels import BUILD
from support.harness import podman as run_podman
from support.podman_fixtures import TEST_IMAGE, Corner

# What a build may take is counted by user ids, which the builds of all instances of this host share.
pytestmark = [pytest.mark.timeout(300), pytest.mark.alone, pytest.mark.lane(1)]
LIMITS = BuildLimits(memory=256 << 20, processes=64, step_time=30, disk=64 << 20, files=2000, output=1 << 20)


@pytest_asyncio.fixture
async def root(podman: PodmanClient, tmp_path: Path) -> AsyncIterator[BuildRoot]:
    """The root of a build upon the test image; nothing of it is left afterwards."""
    work = tmp_path / "work"
    folder = work / "build"
    for closed in (tmp_path, *tmp_path.parents[:2]):
        closed.chmod(0o711)  # as a node's data folder is
    folder.mkdir(mode=0o711, parents=True)
    sandbox = BuildSandbox(podman, work, ControlGroup())
    async with sandbox.root(folder, TEST_IMAGE, LIMITS) as root:
        yield root
    left = run_podman("ps", "-aq", "--filter", f"label=io.archipelago.build={work}")
    run_podman("unshare", "rm", "-rf", str(work))
    assert not left


def shell(script: str, **options: str) -> BuildCommand:
    """Return a step that runs a line of shell."""
    return BuildCommand(("/bin/busybox", "sh", "-euc", script), **options)  # type: ignore[arg-type]


async def test_files_go_in_a_command_works_on_them_and_files_come_out(root: BuildRoot, tmp_path: Path) -> None:
    tar = tmp_path / "in.tar"
    with tarfile.open(tar, "w") as archive:
        member = tarfile.TarInfo("inputs/one")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    await root.put(tar)
    result = await root.run(shell("mkdir -p /out/below; cat /inputs/one >/out/below/two; echo done; exit 3"))
    assert (result.exit_code, result.output) == (3, "done")
    await root.take("/out", tmp_path / "out.tar", largest=1000)
    with tarfile.open(tmp_path / "out.tar") as archive:
        [found] = archive.getmembers()
        content = archive.extractfile(found)
        assert found.name == "below/two" and content is not None and content.read() == b"hello"
    assert (root.path / "bin").stat().st_uid >= 1_000_000, "files are never the service user's"


async def test_the_same_files_give_the_same_tar(root: BuildRoot, tmp_path: Path) -> None:
    await root.run(shell("echo hello >/made"))
    await root.pack(tmp_path / "first.tar")
    await root.run(shell("touch /made /bin/busybox"))
    await root.pack(tmp_path / "second.tar")
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()
    with tarfile.open(tmp_path / "first.tar") as archive:
        names = archive.getnames()
        assert {member.mtime for member in archive} == {1700000000}
    assert "./made" in names and "./etc/hosts" not in names


async def test_a_command_is_confined(root: BuildRoot) -> None:
    result = await root.run(
        shell("id; grep -E 'Cap(Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status; ip -o link; cat /proc/self/uid_map")
    )
    assert "uid=0" in result.output and "NoNewPrivs:\t1" in result.output and "Seccomp:\t2" in result.output
    assert "CapBnd:\t00000000000000cb" in result.output
    assert result.output.count("LOOPBACK") == 1 and "eth" not in result.output and "tap" not in result.output
    assert [line.split() for line in result.output.splitlines()][-1] == ["0", str(FIRST_ID), "65536"]
    other = await root.run(shell("grep CapBnd /proc/self/status", user="1000:1000"))
    assert "CapBnd:\t0000000000000000" in other.output


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("ln -s /etc/passwd /out/link", "link|symbolic"),
        ("/bin/busybox mkfifo /out/pipe", "no regular file"),
        ("head -c 2000 /dev/zero >/out/large", "more below /out than 1000 bytes"),
        ("rm -r /out", "no directory /out"),
    ],
)
async def test_only_files_within_the_limit_come_out(root: BuildRoot, tmp_path: Path, script: str, said: str) -> None:
    assert (await root.run(shell(f"mkdir /out; {script}"))).exit_code == 0
    with pytest.raises(BuildStopped, match=said):
        await root.take("/out", tmp_path / "out.tar", largest=1000)


async def test_what_goes_in_follows_links_within_the_root_alone(root: BuildRoot, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    await root.run(shell(f"ln -s {outside} /escape; mkdir -p {tmp_path}; ln -s /bin /a; ln -s /etc/passwd /b"))
    tar = tmp_path / "in.tar"
    with tarfile.open(tar, "w") as archive:
        for name in ("escape/file", "a/new", "b"):
            member = tarfile.TarInfo(name)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"new"))
    with pytest.raises(BuildStopped, match="put: "):
        await root.put(tar)  # the link dangles inside
    await root.run(shell(f"mkdir -p {outside}"))
    await root.put(tar)
    assert [*outside.iterdir()] == []
    result = await root.run(shell(f"cat {outside}/file /bin/new /b; cat /etc/passwd"))
    assert result.output.startswith("newnewnewroot:"), "a file that is a link is replaced, not written through"


async def test_a_program_that_downloads_runs_as_a_user_of_the_build(podman: PodmanClient, tmp_path: Path) -> None:
    home, runtime = tmp_path / "home", tmp_path / "run"
    folder = home / "work" / "build"
    (folder / "overlay" / "etc").mkdir(parents=True)
    (folder / "overlay" / "etc" / "link").symlink_to("/etc/passwd")
    runtime.mkdir()
    for secret in (home, runtime):
        (secret / "open").write_text("CANARY")  # whoever comes that far may read it
        (secret / "closed").write_text("CANARY")
        (secret / "closed").chmod(0o600)
    for closed in (tmp_path, *tmp_path.parents[:2]):
        closed.chmod(0o711)
    script = (
        f"id -u; cat /proc/self/uid_map; ls -A {home} {runtime}; cat {home}/* {runtime}/*; "
        f"stat -c %u:%g /mnt/overlay/etc /mnt/overlay/etc/link; kill -0 {os.getpid()}; "
        "pwd; echo $TMPDIR; echo made >$TMPDIR/output.tar; : >/mnt/own"
    )
    sandbox = BuildSandbox(podman, home / "work", ControlGroup())
    code, said = await sandbox.run_tool(("sh", "-c", script), folder, (home, runtime))
    words = said.split()
    assert words[:4] == ["0", "0", str(FIRST_ID), "65536"] and "CANARY" not in said
    assert words.count("0:0") == 2 and "/mnt/tool" in words, said
    assert "not permitted" in said and "cannot create /mnt/own: Permission denied" in said and code != 0
    run_podman("unshare", "rm", "-rf", str(folder / "tool"))
    code, _ = await sandbox.run_tool(("sh", "-c", "echo made >tool/output.tar"), folder, (home, runtime))
    assert code == 0 and (folder / "output.tar").read_text() == "made\n"
    assert (folder / "output.tar").stat().st_mode & 0o777 == 0o600
    run_podman("unshare", "rm", "-rf", str(folder / "tool"))
    code, said = await sandbox.run_tool(("ln", "-s", "/etc/passwd", "tool/output.tar"), folder, (home, runtime))
    assert code != 0 and "symbolic links" in said, "what it leaves is never followed"
    run_podman("unshare", "rm", "-rf", str(home))


async def test_only_its_own_containers_are_cleaned_up(corner: Corner, tmp_path: Path) -> None:
    # A stranger's image may bear any label, and its container has it too.
    labels = {**corner.labels, BUILD: str(tmp_path)}
    spec = corner.spec("app--main", labels=labels)
    await corner.podman.containers.create(spec)
    left = corner.spec("left", labels=labels)
    left = replace(left, name="archipelago-build-0123456789abcdef")
    await corner.podman.containers.create(left)
    await remove_leftovers(corner.podman, tmp_path)
    assert [each.name for each in await corner.podman.containers.list(labels=labels)] == [spec.name]
