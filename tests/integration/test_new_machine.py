"""A whole node on a new machine by the words of docs/backups.md alone, also where its first start installed an app."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.checkout import CHECKOUT
from support.harness import LABEL, ROOT, TestNode, podman, remove_all, remove_files, remove_leftovers
from support.tiny_apps import TCP, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]
DISK = ROOT / "disk/archipelago"
PAGE = (CHECKOUT / "docs/backups.md").read_text()


def catalog(folder: Path, app: str, seed: str) -> Path:
    """Write an app that has secrets, and a volume with keys to money."""
    command = f"[sh, -c, '[ -e /keys/seed ] || echo {seed} > /keys/seed; exec busybox httpd -f -p 8000 -h /keys']"
    health = f"mounts: [{{volume: keys, path: /keys}}]\n    {TCP}"
    more = "volumes: {keys: {data: files, funds: true}}\nsecrets: {password: {}}"
    write_app(folder, app, command=command, health=health, more=more)
    return folder


def typed(node: TestNode, words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command as the page has it, below the folder of the source."""
    command = [sys.executable, "-m", "archipelago.cli", *words.split()]
    environment = {**os.environ, "ARCHIPELAGO_SOCKET": str(node.socket)}
    return subprocess.run(command, env=environment, input=said, capture_output=True, text=True, check=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def words(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The words of a node that is gone, and that has made a backup as the page says."""
    remove_leftovers()
    old = TestNode("old", apps=catalog(tmp_path_factory.mktemp("old"), "wallet", "of-the-old-machine"))
    try:
        await old.start()
        await old.install("wallet")
        DISK.mkdir(parents=True)
        for command in ("backup add usb --folder /media/usb/archipelago", "backup now"):
            assert f"archipelago {command}" in PAGE
            done = await asyncio.to_thread(typed, old, command.replace("/media/usb/archipelago", str(DISK)))
            assert done.returncode == 0, done.stderr
        found = await asyncio.to_thread(typed, old, "key phrase")
        old.kill()
        remove_all(LABEL)
        yield found.stdout.strip()
    finally:
        await old.destroy()
        remove_files(DISK.parent)


RESTORE = "backup restore-node --folder /media/usb/archipelago"


async def test_the_words_and_the_disk_bring_all_back_once_the_first_app_is_gone(
    words: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert f"./archipelago {RESTORE}" in PAGE
    command = RESTORE.replace("/media/usb/archipelago", str(DISK))
    new = TestNode("new", apps=catalog(tmp_path_factory.mktemp("new"), "first", "of-the-new-machine"))
    try:
        await new.start("--first-install", "first")
        await new.until_installed("first")
        await new.until("first", "healthy")
        refused = await asyncio.to_thread(typed, new, command, f"{words}\n")
        assert refused.returncode != 0 and "remove APP --delete-data" in refused.stderr, refused.stderr
        assert await new.call("backup-targets") == []
        removed = await asyncio.to_thread(typed, new, "remove first --delete-data --yes")
        assert removed.returncode == 0, removed.stderr
        (kept,) = await new.call("data-list")
        deleted = await asyncio.to_thread(typed, new, f"data delete first {kept['kept']} --yes")
        assert deleted.returncode == 0, deleted.stderr
        done = await asyncio.to_thread(typed, new, command, f"{words}\n")
        assert done.returncode == 0, done.stderr + done.stdout
        await new.until("wallet", "healthy")
        seed = new.root / "apps/wallet/volumes/keys/seed"
        assert podman("unshare", "cat", str(seed)) == "of-the-old-machine"
        assert (await asyncio.to_thread(typed, new, "key phrase")).stdout.strip() == words
    finally:
        await new.destroy()
