"""Errors of PostgreSQL and psycopg, named by what can be done about them."""

from __future__ import annotations

import re
from typing import NoReturn

import psycopg
from psycopg import errors as pg

from include.ozon.errors import AccessDeniedError, OzonError, SchemaError, WarehouseUnavailableError

# For a refused connection libpq has no SQLSTATE, only a message in the server's language. In a language that is missing
# here, the refusal counts as an unreachable server and is retried.
_REFUSED = re.compile(
    "authentication failed|pg_hba.conf|permission denied|not permitted to log in|no password supplied"
    "|valid client certificate|no such user"
    "|(проверку|проверки) подлинности|доступ к базе|нет доступа|вход запрещён|годный сертификат клиента"
)
_MISSING = re.compile('(database|role) ".*" does not exist|no such database|(база данных|роль) ".*" не существует')
_TOO_MANY = re.compile(
    "too many (clients|connections)|remaining connection slots|no more connections allowed"
    "|слишком много (клиентов|подключений)|слоты подключений"
)


def raise_translated(error: psycopg.Error, blocking: str = "") -> NoReturn:
    """Raise the matching error of this package, or ``error`` itself if there is none.

    ``blocking`` names the sessions that kept a lock, if they are known.
    """
    # Without the statement and the position, which PostgreSQL quotes too.
    found = " ".join((error.diag.message_primary or _connection_message(error)).split())
    match error:
        case pg.UndefinedTable() | pg.UndefinedColumn() | pg.InvalidSchemaName():
            raise SchemaError(
                f"The warehouse lacks a table or column that this version needs ({found}). Run `ozon db upgrade`."
            ) from error
        case pg.InsufficientPrivilege() | pg.ReadOnlySqlTransaction() | pg.InvalidAuthorizationSpecification():
            raise AccessDeniedError(
                f"The warehouse does not allow this ({found}). The login of connection ozon_warehouse "
                "must be a member of ozon_loader to load and of ozon_owner to migrate (`ozon db grant`), or own the "
                "schemas ozon, ozon_staging and ozon_bi or may create them; the database must not be a standby."
            ) from error
        case pg.DependentObjectsStillExist():
            built = " ".join((error.diag.message_detail or found).split())
            raise SchemaError(
                f"The migration changes tables or views on which somebody else's are built ({built}). Drop those, "
                "migrate, and create them again."
            ) from error
        case pg.LockNotAvailable():
            what_next = (
                "Ask for the end of the transaction, or end it with `SELECT pg_terminate_backend(<session>)`."
                if blocking
                else "Look for long transactions in pg_stat_activity."
            )
            raise WarehouseUnavailableError(
                "The warehouse's tables or rows stayed locked for longer than warehouse.lock_timeout_seconds, by "
                f"{blocking or 'another session'} ({found}). {what_next}"
            ) from error
        case pg.DeadlockDetected():
            raise WarehouseUnavailableError(
                f"Another session's locks and this one's blocked each other ({found}), and PostgreSQL rolled this "
                "one back. The next attempt does the same work again; if it happens often, find the other session in "
                "PostgreSQL's log."
            ) from error
        case pg.SerializationFailure():
            raise WarehouseUnavailableError(
                f"Another session changed the same rows of the warehouse at the same moment ({found}), and PostgreSQL "
                "rolled this one back. The next attempt does the same work again."
            ) from error
        case pg.QueryCanceled():
            raise WarehouseUnavailableError(
                f"PostgreSQL cancelled a statement ({found}): somebody cancelled it, or it ran longer than "
                "warehouse.statement_timeout_seconds."
            ) from error
        case pg.InsufficientResources() | pg.DiskFull() | pg.OutOfMemory() | pg.TooManyConnections():
            raise _exhausted(found) from error
        case psycopg.OperationalError() if error.sqlstate is None:
            raise _connection_fault(found) from error
        case psycopg.OperationalError() | pg.IdleInTransactionSessionTimeout() | pg.TransactionTimeout():
            raise _unreachable(found) from error
        case _:
            raise error


def _connection_message(error: psycopg.Error) -> str:
    """Return the message of a failed connection, which psycopg decodes as UTF-8 whatever its encoding."""
    text = str(error)
    if "\N{REPLACEMENT CHARACTER}" in text and error.pgconn:
        # A server on a Russian Windows, before it knows the database and with it the session's encoding.
        return bytes(error.pgconn.error_message).decode("cp1251", "replace")
    return text


def _connection_fault(found: str) -> OzonError:
    if _REFUSED.search(found):
        return AccessDeniedError(
            f"The warehouse refuses the sign-in ({found}). Check login and password of connection ozon_warehouse."
        )
    if _MISSING.search(found):
        return AccessDeniedError(
            f"The warehouse's database or role is missing ({found}). Check connection ozon_warehouse."
        )
    if _TOO_MANY.search(found):
        return _exhausted(found)
    return _unreachable(found)


def _unreachable(found: str) -> OzonError:
    return WarehouseUnavailableError(
        f"The warehouse cannot be reached or dropped the connection ({found}). Check that PostgreSQL runs and "
        "that host and port of connection ozon_warehouse are right."
    )


def _exhausted(found: str) -> OzonError:
    return WarehouseUnavailableError(
        f"The warehouse's server has run out of disk, memory or connections ({found}). Free some there; the next "
        "attempt continues after the last page that was read."
    )
