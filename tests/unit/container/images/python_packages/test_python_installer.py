"""Wheels that are installed take no more of the disk and of the node's threads than they may."""

import asyncio
import threading
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from archipelago.container.images.build.watch import LEAST_FREE
from archipelago.container.images.python_packages import installer
from archipelago.container.images.python_packages.installer import Wheel, WheelInstaller
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.model.app import Architecture
from archipelago.errors import says_disk_full
from support.wheels import GOOD, write_wheel

TARGET = PythonTarget("bookworm", Architecture.AMD64)
SIZE = 1_000_000


def wheels(folder: Path, count: int) -> list[Wheel]:
    """Return small wheels that are large when they are unpacked."""
    found = []
    for number in range(count):
        name = f"foo{number}"
        files = {key.replace("foo", name): value.replace("foo", name) for key, value in GOOD.items()}
        path = write_wheel(folder / f"{number}.whl", {**files, f"{name}/zeros": b"\0" * SIZE})
        found.append(Wheel(canonicalize_name(name), Version("1.0"), f"{name}-1.0-py3-none-any.whl", path))
    return found


def tool(folder: Path, script: str) -> str:
    """Return a program that stands for uv."""
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def refused(tmp_path: Path, given: WheelInstaller, count: int) -> str:
    """Return why wheels are not installed."""
    with pytest.raises(PackagesRefused) as caught:
        await given.install(wheels(tmp_path, count), TARGET, tmp_path / "install", tmp_path / "into")
    return str(caught.value)


def written(tmp_path: Path) -> int:
    """Return how many wheels were unpacked."""
    return len(list((tmp_path / "install" / "wheels").iterdir()))


async def test_all_wheels_together_have_one_bound(tmp_path: Path) -> None:
    given = WheelInstaller(tool(tmp_path, "exit 9"), most=int(2.5 * SIZE))
    assert "more than 2500000 bytes, unpacked" in await refused(tmp_path, given, 4)
    assert written(tmp_path) == 2


async def test_many_empty_files_count_too(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "in.whl", {**GOOD, **{f"foo/{number}": "" for number in range(1000)}})
    many = Wheel(canonicalize_name("foo"), Version("1.0"), "foo-1.0-py3-none-any.whl", path)
    with pytest.raises(PackagesRefused, match="unpacked"):
        await WheelInstaller(tool(tmp_path, "exit 9"), most=SIZE).install(
            [many], TARGET, tmp_path / "i", tmp_path / "o"
        )


async def test_a_wheel_for_which_the_disk_has_no_room_is_not_unpacked(tmp_path: Path) -> None:
    given = WheelInstaller(tool(tmp_path, "exit 9"), free=lambda _: LEAST_FREE + SIZE)
    assert says_disk_full(await refused(tmp_path, given, 1))
    assert written(tmp_path) == 0


async def test_uv_is_ended_when_the_disk_fills(tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    def free(_: Path) -> int:
        return 0 if begun.exists() else 1 << 40

    given = WheelInstaller(tool(tmp_path, f"echo > {begun}; exec sleep 600"), free=free)
    async with asyncio.timeout(20):
        assert says_disk_full(await refused(tmp_path, given, 1))
    assert begun.exists()


async def test_wheels_are_rewritten_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most, lock = 0, 0, threading.Lock()
    rewrite = installer.rewrite_wheel

    def counted(source: Path, filename: str, target: Path) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        rewrite(source, filename, target)
        with lock:
            now -= 1

    monkeypatch.setattr(installer, "rewrite_wheel", counted)
    given = WheelInstaller(tool(tmp_path, "mkdir -p $PWD; exit 9"))
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    await asyncio.gather(refused(one, given, 8), refused(other, given, 8))
    assert most == 1
