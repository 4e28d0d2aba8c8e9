"""Settings from the environment and the command line: what makes no sense is refused, and not quoted."""

from pathlib import Path

import pytest

from archipelago.config import read_config
from archipelago.errors import NodeError

SECRET = "Kx4vXQ0mWq7mM1yB2nT9uA5c"


@pytest.mark.parametrize("name", ["PORT", "OWNERS", "SESSION_IDLE"])
@pytest.mark.parametrize("value", [SECRET, "9" * 5000, "-1", "1.5", "²", "99999999999999999999"])
def test_a_setting_that_makes_no_sense_is_named_and_not_quoted(name: str, value: str) -> None:
    with pytest.raises(NodeError, match=f"ARCHIPELAGO_{name}") as refused:
        read_config({f"ARCHIPELAGO_{name}": value}, Path("/"))
    assert value not in str(refused.value) and refused.value.hint


def test_settings_that_make_sense() -> None:
    found = read_config(
        {"ARCHIPELAGO_PORT": "65535", "ARCHIPELAGO_OWNERS": "0, 1000 4294967294", "ARCHIPELAGO_SESSION_IDLE": "60"},
        Path("/"),
    )
    assert (found.port, found.owners, found.sessions.idle) == (65535, {0, 1000, 4294967294}, 60.0)
