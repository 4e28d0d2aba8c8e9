"""What the daemon does before it has a node: it changes nothing where it may not start, and says why."""

from pathlib import Path

import pytest
import structlog

from archipelago import daemon
from archipelago.errors import NodeError
from archipelago.security.keys.node_key import NodeKey
from archipelago.storage.layout import Layout


def test_what_was_left_behind_is_named_at_each_start(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "root", tmp_path / "run")
    layout.root.mkdir()
    daemon._prepare_data(layout)
    left = layout.root / "secrets" / "knots"
    left.mkdir(parents=True)
    (left / "rpc.age").touch()
    for _ in range(2):
        with structlog.testing.capture_logs() as said:
            daemon._prepare_data(layout)
        (line,) = said
        assert line["folder"] == str(left) and str(layout.app("knots").secrets) in line["do"]


def test_a_key_that_cannot_be_looked_for_is_said(tmp_path: Path) -> None:
    key = NodeKey(tmp_path / ("k" * 300), lambda _: None)
    with pytest.raises(NodeError, match="File name too long"):
        key.state()
