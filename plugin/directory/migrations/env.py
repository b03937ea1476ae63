"""Alembic's entry: it runs this file with a connection that the caller has put into the attributes.

The caller's transaction holds everything, so that a migration happens whole or not at all. Anyone
else who imports this module runs nothing.
"""

from alembic import context

from gatepass.plugin.directory.metadata import metadata
from gatepass.plugin.directory.tables import VERSION_TABLE

if hasattr(context, "config"):  # Alembic sets it for the time of a run
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
    )
    with context.begin_transaction():
        context.run_migrations()
