"""The warehouse's schema: Alembic's migrations, forward and back, and the check before each load.

Alembic imports SQLAlchemy, which takes longer than all other imports of a command. So both are imported inside the
functions: help, completion and a wrong command line do not wait for them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import errors as pg

from include.ozon.errors import ConfigurationError, SchemaError, WarehouseUnavailableError
from include.ozon.warehouse.comments import write_comments
from include.ozon.warehouse.roles import prepare_roles
from include.ozon.warehouse.session import (
    Connect,
    Connection,
    open_connection,
    sessions_with_locks,
    translated_errors,
)

if TYPE_CHECKING:
    from alembic.config import Config

logger = logging.getLogger("ozon.warehouse")

MIGRATIONS = Path(__file__).parent / "migrations"

LOCK_SECONDS = 2
_ATTEMPTS = 15
_SECONDS_BETWEEN_ATTEMPTS = 4


@dataclass(frozen=True)
class SchemaStatus:
    """The warehouse's ``revision`` (None for an empty one), and the ``head`` that this version needs."""

    revision: str | None
    head: str
    is_known: bool

    @property
    def is_at_head(self) -> bool:
        return self.revision == self.head


def upgrade(connect: Connect, revision: str = "head") -> None:
    """Migrate forward, keeping all data; update the comments of tables and columns, and what the three roles may do."""
    from alembic import command

    _unblocked(connect, lambda: _migrate(connect, lambda config: command.upgrade(config, revision)))
    _unblocked(connect, lambda: _describe(connect))


def downgrade(connect: Connect, revision: str) -> None:
    """Migrate back to ``revision`` (``base`` for an empty warehouse, ``-1`` for one step); data is dropped."""
    from alembic import command

    _unblocked(connect, lambda: _migrate(connect, lambda config: command.downgrade(config, revision)))


def status(connection: Connection) -> SchemaStatus:
    """Compare the warehouse's revision with the one that this version needs."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    known = {script.revision for script in scripts.walk_revisions()}
    revision = _revision(connection)
    return SchemaStatus(revision, scripts.get_current_head() or "", revision is None or revision in known)


def require_head(connection: Connection) -> None:
    """Raise SchemaError, with the command to run, unless the warehouse has this version's schema."""
    found = status(connection)
    if found.is_at_head:
        return
    if not found.is_known:
        raise SchemaError(
            f"The warehouse's schema is at revision {found.revision}, which this version does not know: a newer "
            f"version has migrated it. Install that one, or go back with its `ozon db downgrade {found.head}`."
        )
    raise SchemaError(
        f"The warehouse's schema is at revision {found.revision or 'none'}; this version needs {found.head}. "
        "Run `ozon db upgrade`."
    )


def _revision(connection: Connection) -> str | None:
    try:
        row = connection.execute("SELECT version_num FROM ozon.alembic_version").fetchone()
    except (pg.UndefinedTable, pg.InvalidSchemaName):
        return None
    return str(row[0]) if row else None


def _unblocked(connect: Connect, change: Callable[[], None]) -> None:
    """Make a change in one transaction; repeat it while other sessions keep tables locked.

    Raise WarehouseUnavailableError, which names these sessions, after the last attempt.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        with translated_errors():
            try:
                change()
            except pg.LockNotAvailable as error:
                with closing(open_connection(connect, "ozon db")) as connection:
                    blocking = sessions_with_locks(connection) or "sessions that have ended meanwhile"
                if attempt == _ATTEMPTS:
                    raise WarehouseUnavailableError(
                        f"The warehouse was not migrated: {blocking} kept its tables locked for longer than "
                        f"{LOCK_SECONDS} seconds, {_ATTEMPTS} times; a longer wait would block all readers. Ask for "
                        "the end of their transactions, or end them with `SELECT pg_terminate_backend(<session>)`; "
                        "then run this again."
                    ) from error
                logger.warning("The migration waits for %s.", blocking)
                time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
            else:
                return


def _describe(connect: Connect) -> None:
    with closing(open_connection(connect, "ozon db", {"lock_timeout": f"{LOCK_SECONDS}s"})) as connection:
        if status(connection).is_at_head:
            write_comments(connection)
            prepare_roles(connection)


def _migrate(connect: Connect, migrate: Callable[[Config], None]) -> None:
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    with translated_errors():
        connection = open_connection(connect, "ozon db")
    try:
        # One transaction for all migrations.
        connection.autocommit = False
        engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=NullPool)
        config = Config(attributes={"engine": engine})
        config.set_main_option("script_location", str(MIGRATIONS))
        migrate(config)
    except DBAPIError as error:
        if isinstance(error.orig, pg.LockNotAvailable):
            raise error.orig from error
        with translated_errors():
            raise (error.orig or error) from error
    except CommandError as error:
        raise ConfigurationError(f"Unknown migration: {error}. `ozon db status` shows the current one.") from error
    finally:
        connection.close()
