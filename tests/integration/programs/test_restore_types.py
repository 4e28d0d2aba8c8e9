"""The type checker refuses to restore a volume that never goes back."""

from pathlib import Path

import pytest
from mypy import api as mypy

pytestmark = pytest.mark.timeout(1200)  # the first time, it checks all of the node

RESTORED = """
from archipelago.container.data.data_classes import (
    AppendProofVolume, AppVolume, DatabaseVolume, FilesVolume, NeverRestoreVolume, RebuildableVolume, RestorableVolume,
)

def restore(volume: RestorableVolume) -> None: ...
def given_rebuildable(volume: RebuildableVolume) -> None: restore(volume)
def given_files(volume: FilesVolume) -> None: restore(volume)
def given_database(volume: DatabaseVolume) -> None: restore(volume)
"""
REFUSED = """
def given_append_proof(volume: AppendProofVolume) -> None: restore(volume)
def given_never_restore(volume: NeverRestoreVolume) -> None: restore(volume)
def given_any(volume: AppVolume) -> None: restore(volume)
"""


def test_the_type_checker_refuses_a_restore_of_what_never_goes_back(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    module = tmp_path / "restores.py"
    module.write_text(RESTORED + REFUSED)
    # What it finds out about the modules that this one imports is good for the next run.
    kept = getattr(pytestconfig, "cache", None)
    cache = kept.mkdir("mypy") if kept is not None else tmp_path / "cache"
    told, failed, code = mypy.run(["--strict", "--no-error-summary", "--cache-dir", str(cache), str(module)])
    assert code == 1 and not failed, failed
    lines = told.splitlines()
    first = RESTORED.count("\n") + 2
    assert [line.split(":")[1] for line in lines] == [str(first + index) for index in range(REFUSED.count("\n") - 1)]
    assert all("[arg-type]" in line and "RebuildableVolume | FilesVolume | DatabaseVolume" in line for line in lines)
