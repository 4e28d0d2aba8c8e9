"""The state database: which tables a version has, and what becomes of those of an earlier one."""

import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from archipelago.storage import database
from archipelago.storage.database import Database, newest_revision


def test_the_newest_revision_is_that_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == newest_revision()


async def test_a_database_that_is_up_to_date_needs_no_migration(tmp_path: Path) -> None:
    await (await Database(tmp_path / "state.db").open()).close()
    loaded = {name: sys.modules.pop(name) for name in tuple(sys.modules) if name.partition(".")[0] == "alembic"}
    try:
        await (await Database(tmp_path / "state.db").open()).close()
        assert "alembic" not in sys.modules, "it takes 60 ms at each start"
    finally:
        sys.modules.update(loaded)
