"""The warehouse's schema: Alembic's migrations, forward and back, and the check before each load.

Alembic imports SQLAlchemy, which takes longer than all other imports of a command. So both are imported inside the
functions: help, completion and a wrong command line do not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import errors as pg

from include.ozon.errors import ConfigurationError, SchemaError
from include.ozon.warehouse.comments import write_comments
from include.ozon.warehouse.session import Connect, Connection, open_connection, translated_errors

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


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
    """Migrate forward, keeping all data, and update the comments of tables and columns."""
    from alembic import command

    _migrate(connect, lambda config: command.upgrade(config, revision))
    with translated_errors(), closing(open_connection(connect, "ozon db")) as connection:
        if status(connection).is_at_head:
            write_comments(connection)


def downgrade(connect: Connect, revision: str) -> None:
    """Migrate back to ``revision`` (``base`` for an empty warehouse, ``-1`` for one step); data is dropped."""
    from alembic import command

    _migrate(connect, lambda config: command.downgrade(config, revision))


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
        with translated_errors():
            raise (error.orig or error) from error
    except CommandError as error:
        raise ConfigurationError(f"Unknown migration: {error}. `ozon db status` shows the current one.") from error
    finally:
        connection.close()
