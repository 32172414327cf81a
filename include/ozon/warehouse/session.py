"""Connections to the warehouse that are the same on every server, with psycopg's errors named by what can be done."""

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
from include.ozon.warehouse.faults import raise_as_ours

logger = logging.getLogger("ozon.warehouse")

Connection = psycopg.Connection[tuple[Any, ...]]
Connect = Callable[[], Connection]
"""Opens a new connection to the warehouse; the adapter makes it from Airflow's ``ozon_warehouse``."""

ENCODING = "UTF8"

# Whatever the server, the database and the role say: every name and value means and looks the same in each session.
_SETTINGS = {
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
    # Nothing that somebody left in public, and no temporary table, stands in for PostgreSQL's own.
    "search_path": "pg_catalog, pg_temp",
    "default_transaction_isolation": "read committed",
    # A session holds the account's lock while Ozon is read, for as long as that takes.
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "lock_timeout": "0",
    "statement_timeout": "0",
}

# A server of an older version has not all of them.
_SET = """
SELECT pg_catalog.set_config(name, value, false)
FROM (VALUES {}) AS settings (name, value)
WHERE pg_catalog.current_setting(name, true) IS NOT NULL
"""

# What a server on Windows, or one that is not quite PostgreSQL, refuses.
_OPTIONAL_SETTINGS = {
    # A backend whose client was killed in the middle of a merge notices, and lets the account go.
    "client_connection_check_interval": "2s",
}


@contextmanager
def open_session(
    connect: Connect,
    settings: WarehouseSettings,
    purpose: str,
    *,
    most_lock_seconds: float = inf,
    most_statement_seconds: float = inf,
) -> Iterator[Connection]:
    """A connection in autocommit mode with the load's time-outs; ``purpose`` is what pg_stat_activity shows.

    Who cannot wait as long as a load may gives shorter time-outs.

    A session that ends with an exception is cancelled first, so that PostgreSQL does not go on with a
    statement nobody waits for, and keep the account's lock meanwhile.

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
            yield connection
        except BaseException:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1)
            raise
        finally:
            connection.close()


def open_connection(connect: Connect, purpose: str, settings: Mapping[str, str] | None = None) -> Connection:
    """Open a connection in autocommit mode whose values look the same on every server.

    The one place where sessions are prepared; ``settings`` come on top. Raises SchemaError where the database's
    encoding cannot hold every text, and psycopg's errors.
    """
    connection = connect()
    try:
        _require_encoding(connection)
        connection.autocommit = True
        connection.row_factory = tuple_row
        _set(connection, {"application_name": purpose[:63], **_SETTINGS, **(settings or {})})
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
    """Raise AccessDeniedError, with the command to run, where the role may not create temporary tables."""
    query = "SELECT current_user, current_database(), has_database_privilege(current_database(), 'TEMPORARY')"
    role, database, is_allowed = connection.execute(query).fetchone() or ("", "", False)
    if not is_allowed:
        grant = sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}")
        raise AccessDeniedError(
            f"Role {role} may not create temporary tables in database {database}, which every load needs. Run as the "
            f"database's owner: {grant.format(sql.Identifier(database), sql.Identifier(role)).as_string(connection)}"
        )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn psycopg's errors into the ones that say what can be done about them."""
    try:
        yield
    except psycopg.Error as error:
        raise_as_ours(error)


def _require_encoding(connection: Connection) -> None:
    # Sent by the server when it lets us in, so it costs nothing; a pooler may leave it out.
    found = connection.info.parameter_status("server_encoding") or ENCODING
    if found != ENCODING:
        raise SchemaError(
            f"Database {connection.info.dbname} has the encoding {found}, which cannot hold every text that Ozon "
            f"sends; expected {ENCODING}. Create another and let connection ozon_warehouse lead to it: "
            f"CREATE DATABASE ozon_warehouse OWNER {connection.info.user} TEMPLATE template0 ENCODING '{ENCODING}' "
            "LOCALE 'C'"
        )


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    """Set what this server knows, in one round trip."""
    rows = sql.SQL(", ").join(sql.SQL("({}, {})").format(name, value) for name, value in settings.items())
    connection.execute(sql.SQL(_SET).format(rows))
