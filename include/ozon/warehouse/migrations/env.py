"""Alembic's entry point: one transaction for all pending migrations, with Alembic's table in the schema ozon."""

from alembic import context
from sqlalchemy import Connection, Engine, text

from include.ozon.warehouse.schema import LOCK_SECONDS

# Held until the transaction ends: two upgrades started at once wait for each other.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('ozon_etl/migrations', 0))")
# Readers queue behind a migration that waits for a table: it gives up soon, and is tried again.
_SHORT_WAIT = text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")


def run(connection: Connection) -> None:
    with connection.begin():
        connection.execute(_ONE_AT_A_TIME)
        connection.execute(_SHORT_WAIT)
        if not connection.scalar(text("SELECT to_regnamespace('ozon')")):
            connection.execute(text("CREATE SCHEMA ozon"))
        context.configure(connection=connection, version_table_schema="ozon")
        context.run_migrations()


engine: Engine = context.config.attributes["engine"]
with engine.connect() as _connection:
    run(_connection)
