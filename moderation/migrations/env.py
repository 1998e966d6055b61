"""What Alembic runs to migrate: on the connection that `database.migrate` has opened."""

from alembic import context

from moderation.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
