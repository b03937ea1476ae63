"""Schema versions of the directory, applied by Alembic."""
