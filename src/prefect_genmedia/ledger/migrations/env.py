"""Alembic's entry: runs on the connection that the ledger hands over."""

from alembic import context

from prefect_genmedia.ledger.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table="genmedia_version",
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
