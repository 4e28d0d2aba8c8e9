"""A state database that is gone is no first start."""

from pathlib import Path

import pytest

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.lost_state import refuse_lost_database


@pytest.mark.parametrize("left", ["volumes", "kept"])
def test_data_without_its_database_is_not_taken_by_a_new_node(tmp_path: Path, left: str) -> None:
    layout = Layout(tmp_path / "root", tmp_path / "run")
    refuse_lost_database(layout)  # nothing was ever here
    layout.apps.mkdir(parents=True)
    layout.version_file.write_text("{}")
    refuse_lost_database(layout)  # killed in its first start
    (layout.app("knots").path / left).mkdir(parents=True)
    with pytest.raises(NodeError, match=r"state database .* is missing.*knots") as error:
        refuse_lost_database(layout)
    assert error.value.code is ErrorCode.DATA_MISSING and str(layout.apps) in error.value.hint
    layout.database.touch()
    refuse_lost_database(layout)
