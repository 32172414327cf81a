"""A moved clock: SQL's ``now()`` and ``clock_timestamp()`` of this process's sessions with one warehouse.

The product's SQL calls both without a schema. In front of ``pg_catalog`` in the search path of its sessions, a schema
with functions of these names moves their clock, and no statement has to change. Other processes' sessions keep the real
clock. What Python does with a moment takes ``now()`` of the `MovedClock`.

Defaults of columns and generated columns keep the real clock: they were bound to PostgreSQL's functions when the table
was created. The warehouse has no such default.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from psycopg import sql

from include.ozon.warehouse import session
from include.ozon.warehouse.session import Connect, Connection, open_connection

SCHEMA = "ozon_clock"
_SEARCH_PATH = "search_path"

# Inlined by PostgreSQL like a constant added to now(): a row costs no function call.
_MOVE = """
CREATE OR REPLACE FUNCTION ozon_clock.now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS {now};
CREATE OR REPLACE FUNCTION ozon_clock.clock_timestamp() RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE AS {clock_timestamp}
"""


class MovedClock:
    """A clock that is some time ahead of the real one, or behind it, and runs as fast."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def set(self, moment: datetime) -> None:
        """Move the clock to a moment, for open sessions too: from their next transaction on."""
        self._ahead = moment - datetime.now(UTC)
        bodies = {
            name: sql.Literal(f"SELECT pg_catalog.{name}() + interval '{self._ahead.total_seconds():.6f} seconds'")
            for name in ("now", "clock_timestamp")
        }
        with self._connection.transaction():
            self._connection.execute(sql.SQL(_MOVE).format(**bodies))


@contextmanager
def moved_clock(connect: Connect) -> Iterator[MovedClock]:
    """Move the clock of the sessions that this process opens in the block; one block at a time for each warehouse.

    At the end the schema is dropped. If the process was killed before that, no other session notices the schema, and
    the next block replaces it.
    """
    connection = open_connection(connect, SCHEMA)
    search_path = session.SESSION_SETTINGS[_SEARCH_PATH]
    try:
        connection.execute("DROP SCHEMA IF EXISTS ozon_clock CASCADE; CREATE SCHEMA ozon_clock")
        clock = MovedClock(connection)
        clock.set(clock.now())
        session.SESSION_SETTINGS[_SEARCH_PATH] = f"{SCHEMA}, {search_path}"
        try:
            yield clock
        finally:
            session.SESSION_SETTINGS[_SEARCH_PATH] = search_path
            connection.execute("DROP SCHEMA IF EXISTS ozon_clock CASCADE")
    finally:
        connection.close()
