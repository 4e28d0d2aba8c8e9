"""Root runs the scripts of a checkout: not where anybody else than its owner may write."""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.checkout import CHECKOUT

LIBRARY = CHECKOUT / "scripts" / "lib.sh"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one script, which does no more than look."""
    folder = tmp_path / "above" / "checkout"
    (folder / "scripts").mkdir(parents=True)
    (folder / "neode-ui" / "node_modules").mkdir(parents=True)
    shutil.copy(LIBRARY, folder / "scripts")
    (folder / "scripts" / "look").write_text(
        '. "$(dirname -- "$0")/lib.sh"\nSERVICE_USER=$1\ncheck_checkout\necho in order\n'
    )
    for path in (tmp_path / "above", folder, *folder.rglob("*")):
        path.chmod(0o755)
    return folder


def look(
    checkout: Path, service_user: str = "someone-else", programs: str = "/usr/sbin:/usr/bin:/sbin:/bin"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-eu", checkout / "scripts" / "look", service_user],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": programs},
    )


def test_a_checkout_that_its_owner_alone_may_change_is_in_order(checkout: Path) -> None:
    (checkout / "neode-ui/node_modules").chmod(0o777)  # root takes nothing from there
    (checkout / "link").symlink_to("nowhere")  # the mode of a link means nothing
    done = look(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "in order\n", "")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda checkout: (checkout / "scripts/look").chmod(0o757),
        lambda checkout: (checkout / "scripts").chmod(0o757),
        lambda checkout: checkout.chmod(0o757),
        lambda checkout: (checkout / "neode-ui").chmod(0o1777),
    ],
)
def test_root_runs_nothing_that_anybody_may_change(checkout: Path, spoil: Callable[[Path], None]) -> None:
    spoil(checkout)
    done = look(checkout)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "may write to" in done.stderr
    assert f"chmod -R go-w '{checkout}'" in done.stderr


def test_nor_what_the_owners_group_may_change_where_it_is_the_primary_group_of_another(
    checkout: Path, tmp_path: Path
) -> None:
    # Root's own group is trusted: as root, the checkout is somebody else's.
    owner = pwd.getpwnam("archipelago") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    for path in (checkout.parent, checkout, *checkout.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    (checkout / "scripts/look").chmod(0o775)
    alone = look(checkout)
    # The host's own answers, and one user more.
    getent = tmp_path / "programs" / "getent"
    getent.parent.mkdir()
    other = f"other:x:{owner.pw_uid + 1}:{owner.pw_gid}::/:/bin/sh"
    getent.write_text(f'#!/bin/sh\n/usr/bin/getent "$@"\n[ "$*" != passwd ] || echo {other}\n')
    getent.chmod(0o755)
    done = look(checkout, programs=f"{getent.parent}:/usr/sbin:/usr/bin:/sbin:/bin")
    assert done.returncode == 1
    assert f"may write to {checkout}/scripts/look" in done.stderr
    if grp.getgrgid(owner.pw_gid).gr_name == owner.pw_name:
        assert (alone.returncode, alone.stdout) == (0, "in order\n"), alone.stderr


def test_nor_where_anybody_may_exchange_the_checkout(checkout: Path) -> None:
    checkout.parent.chmod(0o777)
    done = look(checkout)
    assert done.returncode == 1
    assert f"may write to {checkout.parent}, and put something else in the place of {checkout}" in done.stderr


def test_nor_what_belongs_to_the_node(checkout: Path) -> None:
    done = look(checkout, checkout.owner())
    assert done.returncode == 1
    assert f"{checkout} belongs to {checkout.owner()}, and root would run what is in it" in done.stderr
