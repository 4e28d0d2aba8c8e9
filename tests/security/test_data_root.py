"""The way into the node as root takes it: no empty data root in the place of one that was there, and disks come later.

The real scripts run on a scratch host: a user namespace whose root is the caller. What follows them there is a probe.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.checkout import CHECKOUT

PLACES = "/opt/archipelago /etc/archipelago /var/lib /run"
PREPARE = f"""for place in {PLACES}; do mount -t tmpfs none $place; done
mount --make-shared /var/lib"""
ENTER = "/mnt/scripts/enter"
DATA = "/var/lib/archipelago"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A checkout whose `enter` ends in a probe: it says that it is in, and after a line of input what it sees."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for name in ("enter", "lib.sh", "data-root.sh"):
        shutil.copy(CHECKOUT / "scripts" / name, folder)
    (folder / "install-source").write_text("#!/bin/sh\nmkdir -p /run/s; : >/run/s/.in-use; echo /run/s\n")
    probe = f"exec 2>/dev/null; echo in; read line; ls {DATA}/apps; mount -t tmpfs none {DATA}/own; exit 0"
    (folder / "enter-namespace").write_text(f"#!/bin/sh\n{probe}\n")
    for path in folder.iterdir():
        path.chmod(0o755)
    return folder


def scene(scripts: Path, story: str) -> list[str]:
    """Have root of a scratch host do something, and return the lines that it said, errors among them."""
    program = f"mount --bind {scripts.parent} /mnt\n{PREPARE}\n{story}"
    namespaces = ("--user", "--map-root-user", "--map-auto", "--mount", "--propagation", "private")
    done = subprocess.run(
        ["unshare", *namespaces, "sh", "-euc", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_a_data_root_that_was_there_is_not_begun_again(scripts: Path) -> None:
    lines = scene(
        scripts,
        f"""{ENTER} true
        stat -c %U:%a {DATA}
        {ENTER} true
        mv {DATA} {DATA}.away
        {ENTER} true || echo refused; [ ! -e {DATA} ] || echo made
        mkdir {DATA}; chown archipelago: {DATA}
        {ENTER} true || echo refused; ls -A {DATA}
        rm /etc/archipelago/data-roots/node
        {ENTER} true
        rm -r {DATA}; mv {DATA}.away {DATA}
        {ENTER} true || echo refused""",
    )
    absent = [
        f"archipelago: the data of this node is not there: {DATA}",
        "  mount the disk that it is on, and start again; to give it up and start with what is there: "
        "rm /etc/archipelago/data-roots/node",
        "refused",
    ]
    other = [absent[0].replace("not there", "that of another node"), *absent[1:]]
    assert lines == ["in", "archipelago:711", "in", *absent, *absent, "in", *other]


def test_a_data_root_of_another_user_is_told_and_one_of_another_host_is_known(scripts: Path) -> None:
    lines = scene(
        scripts,
        f"""mkdir {DATA}; chown 12345 {DATA}
        {ENTER} true || echo refused
        chown archipelago: {DATA}; echo abc123 >{DATA}/.data-root
        {ENTER} true
        cat /etc/archipelago/data-roots/node""",
    )
    assert lines[0] == f"archipelago: {DATA} belongs to user id 12345, and not to archipelago"
    assert "chown archipelago:" in lines[1] and lines[2:] == ["refused", "in", "abc123"]


def test_a_disk_that_is_mounted_later_is_seen_and_the_host_sees_no_mount_of_the_node(scripts: Path) -> None:
    lines = scene(
        scripts,
        f"""mkfifo /run/go; {ENTER} true </run/go >/run/said & exec 3>/run/go
        until grep -q in /run/said; do :; done
        mkdir {DATA}/apps {DATA}/own; mount -t tmpfs disk {DATA}/apps; touch {DATA}/apps/wallet
        echo >&3; wait $!; cat /run/said; mountpoint -q {DATA}/own || echo unseen""",
    )
    assert lines == ["in", "wallet", "unseen"]
