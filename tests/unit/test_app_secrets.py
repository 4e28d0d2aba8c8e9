"""Values that owners give for secrets: each is set by the operation that it was given to, and by no other."""

from pathlib import Path

import pytest
from test_composer import record

from archipelago.container.app_secrets import AppSecrets
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets_manager import SecretsManager

MORE = "secrets: {key: {}}"


async def test_a_value_that_was_refused_is_not_the_one_that_another_operation_sets(tmp_path: Path) -> None:
    manager = SecretsManager(tmp_path / "secrets", tmp_path / "node.key")
    manager.key.state()
    secrets = AppSecrets(manager)
    app = record(tmp_path / "apps", "app", 0, "x", MORE)
    first = secrets.take(app, "key", "the first value")
    second = secrets.take(app, "key", "the second value")  # its operation is refused: the app is busy
    secrets.drop(second)
    await secrets.change(app, ["key"], ticket=first)
    assert await secrets.show(app, "key") == "the first value"
    for ticket in (first, second, ""):
        with pytest.raises(NodeError) as refused:
            await secrets.change(app, ["key"], ticket=ticket)
        assert refused.value.code is ErrorCode.CANCELLED
    assert await secrets.show(app, "key") == "the first value"


@pytest.mark.parametrize("value", ["two\nlines", "two\rlines", "nul\0", "line\u2028separator", "escape\x1b[2J"])
def test_a_value_is_one_line(tmp_path: Path, value: str) -> None:
    secrets = AppSecrets(SecretsManager(tmp_path / "secrets", tmp_path / "node.key"))
    with pytest.raises(NodeError, match="one line"):
        secrets.take(record(tmp_path / "apps", "app", 0, "x", MORE), "key", value)
