"""Connections to the warehouse with the same session settings on every server, and translated psycopg errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import inf
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from include.ozon.errors import AccessDeniedError, SchemaError
from include.ozon.settings import WarehouseSettings
from include.ozon.warehouse.faults import raise_translated
from include.ozon.words import one_line

logger = logging.getLogger("ozon.warehouse")

Connection = psycopg.Connection[tuple[Any, ...]]
Connect = Callable[[], Connection]
"""Opens a new connection to the warehouse; the adapter makes it from Airflow's ``ozon_warehouse``."""

ENCODING = "UTF8"

# Both ends notice within a minute that the other one is gone; the time-out is for data that nobody has received.
KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
TCP_USER_TIMEOUT_MS = 60_000

# They override those of the server, the database and the role, so that every session behaves the same. Only
# include/ozon_local/moved_clock.py changes them, for its own process.
SESSION_SETTINGS = {
    "client_encoding": ENCODING,
    "standard_conforming_strings": "on",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    # No object in public and no temporary table can shadow PostgreSQL's own.
    "search_path": "pg_catalog, pg_temp",
    "default_transaction_isolation": "read committed",
    # A session holds the account's lock for as long as reading from Ozon takes.
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "lock_timeout": "0",
    "statement_timeout": "0",
    # A backend whose client's machine is gone releases the lock within a minute, instead of two hours.
    **{f"tcp_{name}": str(value) for name, value in KEEPALIVES.items()},
    "tcp_user_timeout": str(TCP_USER_TIMEOUT_MS),
}

# An older server does not have all of them.
_SET = """
SELECT pg_catalog.set_config(name, value, false)
FROM (VALUES {}) AS settings (name, value)
WHERE pg_catalog.current_setting(name, true) IS NOT NULL
"""

# A server on Windows, or one that is only PostgreSQL-compatible, may refuse these.
_OPTIONAL_SETTINGS = {
    # A backend whose client was killed during a merge notices it and releases the account's lock.
    "client_connection_check_interval": "2s",
}


# Readers block a migration, but no load: it drops only its own staging tables. Who blocked a load has kept the lock for
# at least the load's time limit; the start of other roles' transactions may be hidden.
_SESSIONS_WITH_LOCKS = """
SELECT DISTINCT a.pid, a.usename, a.application_name
FROM pg_locks l
JOIN pg_class c ON c.oid = l.relation
JOIN pg_stat_activity a USING (pid)
WHERE c.relnamespace::regnamespace::text LIKE 'ozon%%' AND l.granted
  AND (l.mode <> 'AccessShareLock' OR c.relnamespace::regnamespace::text = 'ozon_staging' OR %(with_readers)s)
  AND coalesce(a.xact_start < clock_timestamp() - current_setting('lock_timeout')::interval, true)
  AND a.datname = current_database() AND a.pid <> pg_backend_pid()
ORDER BY a.pid
"""


@contextmanager
def open_session(
    connect: Connect,
    settings: WarehouseSettings,
    purpose: str,
    *,
    most_lock_seconds: float = inf,
    most_statement_seconds: float = inf,
) -> Iterator[Connection]:
    """Open a connection in autocommit mode with the load's time-outs; pg_stat_activity shows ``purpose``.

    The parameters ``most_...`` shorten the time-outs.

    If the session ends with an exception, its statement is cancelled first: otherwise PostgreSQL would continue it
    and keep the account's lock meanwhile.

    Raises WarehouseUnavailableError, AccessDeniedError and SchemaError in place of psycopg's errors.
    """
    with translated_errors():
        limits = {
            "lock_timeout": f"{min(settings.lock_timeout_seconds, most_lock_seconds):g}s",
            "statement_timeout": f"{min(settings.statement_timeout_seconds, most_statement_seconds):g}s",
            "work_mem": "64MB",
        }
        connection = open_connection(connect, purpose, limits)
        try:
            with translated_errors(connection):
                yield connection
        except BaseException:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1)
            raise
        finally:
            connection.close()


def open_connection(connect: Connect, purpose: str, settings: Mapping[str, str] | None = None) -> Connection:
    """Open a connection in autocommit mode with the same session settings on every server.

    All sessions are prepared here; ``settings`` are added. Raises SchemaError if the database's encoding is not
    UTF-8, and psycopg's errors.
    """
    connection = connect()
    try:
        _require_encoding(connection)
        connection.autocommit = True
        connection.row_factory = tuple_row
        _set(connection, {"application_name": purpose[:63], **SESSION_SETTINGS, **(settings or {})})
        for name, value in _OPTIONAL_SETTINGS.items():
            try:
                _set(connection, {name: value})
            except psycopg.DatabaseError as error:
                logger.debug("The warehouse's server has no setting %s = %s: %s", name, value, error)
    except BaseException:
        connection.close()
        raise
    return connection


def require_temporary_tables(connection: Connection) -> None:
    """Raise AccessDeniedError, with the command to run, if the role may not create temporary tables."""
    query = "SELECT current_user, current_database(), has_database_privilege(current_database(), 'TEMPORARY')"
    role, database, is_allowed = connection.execute(query).fetchone() or ("", "", False)
    if not is_allowed:
        grant = sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}")
        raise AccessDeniedError(
            f"Role {role} may not create temporary tables in database {database}, which every load needs. Run as the "
            f"database's owner: {grant.format(sql.Identifier(database), sql.Identifier(role)).as_string(connection)}"
        )


@contextmanager
def translated_errors(connection: Connection | None = None) -> Iterator[None]:
    """Translate psycopg's errors into those of this package.

    If the session ``connection`` did not get a lock, the message names the sessions that kept it.
    """
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        blocking = ""
        if connection is not None:
            with suppress(psycopg.Error):
                blocking = sessions_with_locks(connection, with_readers=False)
        raise_translated(error, blocking)
    except psycopg.Error as error:
        raise_translated(error)


def sessions_with_locks(connection: Connection, *, with_readers: bool = True) -> str:
    """Return the other sessions that keep a table of the warehouse locked, for a sentence; empty if there are none."""
    found = connection.execute(_SESSIONS_WITH_LOCKS, {"with_readers": with_readers}).fetchall()
    return ", ".join(
        f"session {pid} (role {role}, {one_line(application) or 'no name'})" for pid, role, application in found
    )


def _require_encoding(connection: Connection) -> None:
    # The server sends it at login, so it costs nothing; a pooler may leave it out.
    found = connection.info.parameter_status("server_encoding") or ENCODING
    if found != ENCODING:
        raise SchemaError(
            f"Database {connection.info.dbname} has the encoding {found}, which cannot store every text that Ozon "
            f"sends; expected {ENCODING}. Create another one and set it in connection ozon_warehouse: "
            f"CREATE DATABASE ozon_warehouse OWNER {connection.info.user} TEMPLATE template0 ENCODING '{ENCODING}' "
            "LOCALE 'C'"
        )


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    """Apply the settings that this server has, in one round trip."""
    rows = sql.SQL(", ").join(sql.SQL("({}, {})").format(name, value) for name, value in settings.items())
    connection.execute(sql.SQL(_SET).format(rows))
