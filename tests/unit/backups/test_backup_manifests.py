"""What a backup says of itself, whoever wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest

from archipelago.backups.reader import read_description
from archipelago.errors import NodeError

MANIFEST = {
    "format": 1,
    "app": "app",
    "version": "1.0",
    "package": "0",
    "at": "2026-11-30T00:00:00Z",
    "first_id": 1,
    "volumes": {"data": "live"},
}


def read(folder: Path, manifest: object) -> Any:
    (folder / "node").mkdir()
    (folder / "node/manifest.json").write_text(json.dumps(manifest))
    (folder / "node/record.json").write_text("{}")
    return read_description(folder / "node", "app")[0]


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, {**MANIFEST, "more": 1}).version == "1.0"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 3}, "newer version"),
        ({"format": 3, "volumes": {"data": {"way": "of the future"}}, "at": None}, "newer version"),
        ({"format": "x"}, "cannot be used"),
        ({"at": None}, "cannot be used"),
        ({"app": "other"}, "it is of other"),
    ],
)
def test_what_cannot_be_read_is_refused_with_why(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(NodeError, match=said) as refused:
        read(tmp_path, {**MANIFEST, **changes})
    assert refused.value.hint
