"""Alembic's entry: run the migrations against the URL that `migrate` was given."""

from alembic import context
from sqlalchemy import engine_from_config, pool

from workspace_api import tables

config = context.config
engine = engine_from_config(config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=tables.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
