"""Connections to the warehouse, prepared for a load, with psycopg's errors named by what can be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import dict_row, tuple_row

from include.ozon.errors import AccessDeniedError, SchemaError, WarehouseUnavailableError
from include.ozon.settings import WarehouseSettings

Connection = psycopg.Connection[tuple[Any, ...]]
Connect = Callable[[], Connection]
"""Opens a new connection to the warehouse; the adapter makes it from Airflow's ``ozon_warehouse``."""

_REFUSED = (
    "password authentication failed",
    "no pg_hba.conf entry",
    "permission denied",
    "no password supplied",
)
_NOT_THERE = ("does not exist",)
_TOO_MANY = ("too many clients", "too many connections", "remaining connection slots")


@contextmanager
def open_session(connect: Connect, settings: WarehouseSettings, purpose: str) -> Iterator[Connection]:
    """A connection in autocommit mode with the load's time-outs; ``purpose`` is what pg_stat_activity shows.

    A session that ends with an exception is cancelled first, so that PostgreSQL does not go on with a
    statement nobody waits for, and keep the account's lock meanwhile.

    Raises WarehouseUnavailableError, AccessDeniedError and SchemaError in place of psycopg's errors.
    """
    with translated_errors():
        connection = connect()
        try:
            _prepare(connection, settings, purpose)
            yield connection
        except BaseException:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1)
            raise
        finally:
            connection.close()


def _prepare(connection: Connection, settings: WarehouseSettings, purpose: str) -> None:
    connection.autocommit = True
    connection.row_factory = tuple_row
    configuration = {
        "application_name": purpose[:63],
        "TimeZone": "UTC",
        "lock_timeout": f"{settings.lock_timeout_seconds}s",
        "statement_timeout": f"{settings.statement_timeout_seconds}s",
        # A backend whose client was killed in the middle of a merge notices, and lets the account go.
        "client_connection_check_interval": "2s",
        "work_mem": "64MB",
    }
    for name, value in configuration.items():
        connection.execute(sql.SQL("SELECT set_config({}, {}, false)").format(name, value))


def count_row(connection: Connection, query: sql.Composed) -> dict[str, int]:
    """The one row of a query whose columns are all counts, by their names."""
    row = connection.cursor(row_factory=dict_row).execute(query).fetchone()
    return {name: int(count) for name, count in (row or {}).items()}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn psycopg's errors into the ones that say what can be done about them."""
    try:
        yield
    except psycopg.Error as error:
        _raise_as_ours(error)


def _raise_as_ours(error: psycopg.Error) -> NoReturn:
    # Not the statement and the place in it, which PostgreSQL quotes too.
    found = " ".join((error.diag.message_primary or str(error)).split())
    match error:
        case pg.UndefinedTable() | pg.UndefinedColumn() | pg.InvalidSchemaName():
            raise SchemaError(
                f"The warehouse lacks a table or column that this version needs ({found}). Run `ozon db upgrade`."
            ) from error
        case pg.InsufficientPrivilege() | pg.ReadOnlySqlTransaction() | pg.InvalidAuthorizationSpecification():
            raise AccessDeniedError(
                f"The warehouse does not allow this ({found}). The role of connection ozon_warehouse "
                "must own the schemas ozon and ozon_staging in a database that is no standby."
            ) from error
        case pg.LockNotAvailable():
            raise WarehouseUnavailableError(
                f"Another session kept a table of the warehouse locked for longer than "
                f"warehouse.lock_timeout_seconds ({found}). Look for long transactions in pg_stat_activity."
            ) from error
        case pg.QueryCanceled():
            raise WarehouseUnavailableError(
                f"PostgreSQL cancelled a statement ({found}): somebody ended it, or it ran longer than "
                "warehouse.statement_timeout_seconds."
            ) from error
        case pg.InsufficientResources() | pg.DiskFull() | pg.OutOfMemory() | pg.TooManyConnections():
            _raise_exhausted(error, found)
        case psycopg.OperationalError():
            _raise_operational(error, found)
        case _:
            raise error


def _raise_operational(error: psycopg.OperationalError, found: str) -> NoReturn:
    # libpq gives no SQLSTATE for a connection that was refused, so its words have to do.
    if any(words in found for words in _REFUSED):
        raise AccessDeniedError(
            f"The warehouse refuses the sign-in ({found}). Check login and password of connection ozon_warehouse."
        ) from error
    if any(words in found for words in _NOT_THERE):
        raise AccessDeniedError(
            f"The warehouse's database or role is missing ({found}). Check connection ozon_warehouse."
        ) from error
    if any(words in found for words in _TOO_MANY):
        _raise_exhausted(error, found)
    raise WarehouseUnavailableError(
        f"The warehouse cannot be reached or dropped the connection ({found}). Check that PostgreSQL runs and "
        "that host and port of connection ozon_warehouse are right."
    ) from error


def _raise_exhausted(error: psycopg.Error, found: str) -> NoReturn:
    raise WarehouseUnavailableError(
        f"The warehouse's server has run out of disk, memory or connections ({found}). Make room there; the next "
        "attempt goes on from the last page that was read."
    ) from error
