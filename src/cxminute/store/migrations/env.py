"""Alembic runs this: on the connection that `state` hands over, never on one of its own."""

from alembic import context

from cxminute.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,  # `state` holds the transaction
)
context.run_migrations()
