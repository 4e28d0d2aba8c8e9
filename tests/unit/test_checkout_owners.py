"""Root runs the scripts of a checkout: not where anybody else than its owner may write."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "scripts" / "lib.sh"


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


def look(checkout: Path, service_user: str = "someone-else") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-eu", checkout / "scripts" / "look", service_user],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
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


def test_nor_where_anybody_may_exchange_the_checkout(checkout: Path) -> None:
    checkout.parent.chmod(0o777)
    done = look(checkout)
    assert done.returncode == 1
    assert f"may write to {checkout.parent}, and put something else in the place of {checkout}" in done.stderr


def test_nor_what_belongs_to_the_node(checkout: Path) -> None:
    done = look(checkout, checkout.owner())
    assert done.returncode == 1
    assert f"{checkout} belongs to {checkout.owner()}, and root would run what is in it" in done.stderr
