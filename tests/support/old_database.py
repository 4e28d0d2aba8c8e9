"""Databases of earlier versions."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from archipelago.storage import database


def migrate(path: Path, revision: str) -> None:
    """Make the tables of a database as they were at a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
