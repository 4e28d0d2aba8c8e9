"""What operations say, and what the daemon logs, passes the redactor and can be translated."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import structlog

from archipelago.api.operations import Operation, OperationKind
from archipelago.container.operations.operations import Operations, Work
from archipelago.container.operations.tracker import Tracker
from archipelago.container.podman_client.errors import PodmanCall, PodmanError
from archipelago.daemon_log import redact_log, set_up_log
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.redactor import HIDDEN, Redactor
from archipelago.storage.database import Database
from archipelago.storage.stores.state import State
from archipelago.support.texts.text import msg
from archipelago.support.texts.translatable import Message
from support.databases import new_database

SECRET = "Kx4vXQ0mWq7mM1yB2nT9uA5c"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Return an open database."""
    database = await new_database(tmp_path / "state.db")
    yield database
    await database.close()


def redact() -> Callable[[str], str]:
    """Return what hides the secret."""
    redactor = Redactor()
    redactor.learn(SECRET)
    return redactor.redact


async def ended(database: Database, work: Work) -> Operation:
    """Return an operation that has done its work."""
    operations = Operations(State(database, lambda _: None), redact())
    begun = await operations.open(OperationKind.INSTALL, "app", frozenset(), {}, work)
    return await operations.wait(begun.id, 10)


@pytest.mark.parametrize(
    "error",
    [
        NodeError(ErrorCode.IMAGE, f"RUN printed {SECRET}", hint=f"see {SECRET}", data={"lines": [{"text": SECRET}]}),
        PodmanError(PodmanCall("build"), f"500: {SECRET}"),
        RuntimeError(SECRET),
    ],
)
async def test_a_failure_tells_no_secret(database: Database, error: Exception) -> None:
    async def work(tracker: Tracker) -> None:
        await tracker.steps(("build",))
        await tracker.begin("build", f"STEP {SECRET}")
        await tracker.progress("build", 50.0, f"copies {SECRET}")
        raise error

    found = await ended(database, work)
    assert found.error is not None
    for view in (found, (await State(database, lambda _: None).operations(None, 1))[0]):
        assert SECRET not in view.model_dump_json() and HIDDEN in view.model_dump_json()


async def test_what_a_step_ends_with_tells_no_secret(database: Database) -> None:
    async def work(tracker: Tracker) -> None:
        await tracker.steps(("build",))
        await tracker.finish("build", f"made of {SECRET}")

    found = await ended(database, work)
    assert found.steps[0].detail == f"made of {HIDDEN}"


async def test_what_an_operation_stores_can_be_translated_and_has_no_secret(database: Database) -> None:
    async def work(tracker: Tracker) -> None:
        name = msg("start {app}", app="tor")
        await tracker.steps((name,))
        await tracker.begin(name, msg("it printed {line}", line=SECRET))
        raise NodeError(ErrorCode.IMAGE, msg("{tool} failed: {line}", tool="skopeo", line=SECRET))

    operations = Operations(State(database, lambda _: None), redact())
    begun = await operations.open(OperationKind.START, "tor", frozenset({"tor"}), {}, work)
    await operations.wait(begun.id, 30)
    stored = await Operations(State(database, lambda _: None), redact()).get(begun.id)
    assert stored.error is not None
    assert stored.steps[0].name == "start tor"
    assert stored.steps[0].messages["name"] == Message(key="start {app}", parameters={"app": "tor"})
    assert stored.steps[0].messages["detail"] == Message(key="it printed {line}", parameters={"line": HIDDEN})
    assert stored.error.messages["message"].parameters == {"tool": "skopeo", "line": HIDDEN}
    assert SECRET not in stored.model_dump_json()


def test_the_daemon_s_log_tells_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        set_up_log(verbose=False)
        log = structlog.get_logger("before")
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=sys.stderr))
        redact_log(redact())
        try:
            raise RuntimeError(SECRET)
        except RuntimeError:
            log.exception("failed", said=f"Basic {SECRET}")
    finally:
        structlog.configure(**before)
    written = capsys.readouterr().err
    assert SECRET not in written and HIDDEN in written and "Traceback" in written
