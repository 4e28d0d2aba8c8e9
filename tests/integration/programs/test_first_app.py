"""Which app `make run` installs the first time: none, where a machine gets all of them from a backup."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.checkout import CHECKOUT

STAND_IN = '#!/bin/sh\ncase $0 in */enter) printf "%s\\n" "$*" ;; esac\n'


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, "--first-install bitcoin-knots --set network=regtest --more"),
        ("", "--more"),
        ("nostr-relay", "--first-install nostr-relay --more"),
    ],
)
def test_the_owner_chooses_the_first_app_or_none(tmp_path: Path, chosen: str | None, expected: str) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(CHECKOUT / "scripts/run", scripts)
    (scripts / "lib.sh").write_text(f"CHECKOUT={tmp_path}\nas_root() {{ :; }}\nsay() {{ :; }}\n")
    for name in ("enter", "prepare-host", "setup-python", "setup-ui"):
        (scripts / name).write_text(STAND_IN)
        (scripts / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "ARCHIPELAGO_FIRST_APP"}
    environment |= {} if chosen is None else {"ARCHIPELAGO_FIRST_APP": chosen}
    done = subprocess.run([scripts / "run", "--more"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"-- python -P -m archipelago.daemon {expected}"
