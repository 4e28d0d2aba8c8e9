"""What operations say of their steps and failures can be translated, also when it was read from the database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archipelago.api.operations import OperationKind
from archipelago.container.operations.operations import Operations, Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.redactor import HIDDEN, Redactor
from archipelago.storage.database import Database
from archipelago.storage.stores.state import State
from archipelago.support.texts.text import msg
from archipelago.support.texts.translatable import Message

SECRET = "Kx4vXQ0mWq7mM1yB2nT9uA5c"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Return an open database."""
    database = Database(tmp_path / "state.db")
    await database.open()
    yield database
    await database.close()


async def test_what_an_operation_stores_can_be_translated_and_has_no_secret(database: Database) -> None:
    redactor = Redactor()
    redactor.learn(SECRET)

    async def work(tracker: Tracker) -> None:
        name = msg("start {app}", app="tor")
        await tracker.steps((name,))
        await tracker.begin(name, msg("it printed {line}", line=SECRET))
        raise NodeError(ErrorCode.IMAGE, msg("{tool} failed: {line}", tool="skopeo", line=SECRET))

    operations = Operations(State(database, lambda _: None), redactor.redact)
    begun = await operations.open(OperationKind.START, "tor", frozenset({"tor"}), {}, work)
    await operations.wait(begun.id, 30)
    stored = await Operations(State(database, lambda _: None), redactor.redact).get(begun.id)
    assert stored.error is not None
    assert stored.steps[0].name == "start tor"
    assert stored.steps[0].messages["name"] == Message(key="start {app}", parameters={"app": "tor"})
    assert stored.steps[0].messages["detail"] == Message(key="it printed {line}", parameters={"line": HIDDEN})
    assert stored.error.messages["message"].parameters == {"tool": "skopeo", "line": HIDDEN}
    assert SECRET not in stored.model_dump_json()
