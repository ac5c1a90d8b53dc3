"""What alembic executes to migrate: on the connection it was given, never on one of its own."""

from alembic import context

from remedyd.proposals.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
