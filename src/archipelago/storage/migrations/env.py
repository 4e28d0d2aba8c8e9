"""Alembic environment: runs on the connection that `storage.database` passes in."""

from alembic import context

from archipelago.storage.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
