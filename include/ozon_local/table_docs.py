"""The generator of docs/tables.md's tables and docs/bi.md's views: ``python -m include.ozon_local.table_docs``.

Its source are the comments in a migrated database; the rest of the pages is written by hand. With ``--check`` it only
compares; the exit code is 1 if a page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from include.ozon.generated_pages import table, with_part, write_or_check
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import Connection
from include.ozon.warehouse.tables import TABLES
from include.ozon.warehouse.tables.column import Table
from include.ozon.warehouse.views import VIEWS
from include.ozon_local.home import ROOT
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres

DOCS_PATH = ROOT / "docs" / "tables.md"
VIEWS_PATH = ROOT / "docs" / "bi.md"

_MODULE = "include.ozon_local.table_docs"
_SOURCE = f"`python -m {_MODULE}` from the database's comments"

_COLUMNS = """
SELECT
    c.relnamespace::regnamespace::text AS schema,
    c.relname AS "table",
    obj_description(c.oid, 'pg_class') AS table_meaning,
    a.attname AS name,
    format_type(a.atttypid, NULL) AS type,
    NOT a.attnotnull AS is_nullable,
    a.attnum = ANY (k.conkey) AS is_key,
    col_description(c.oid, a.attnum) AS meaning
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relnamespace IN ('ozon'::regnamespace, 'ozon_bi'::regnamespace) AND c.relkind IN ('r', 'v')
ORDER BY c.relname, c.relnamespace::regnamespace::text, a.attnum
"""

# The common short forms of PostgreSQL's long names.
_TYPES = {"timestamp with time zone": "timestamptz", "character varying": "text"}


class Column(NamedTuple):
    """A column; ``is_nullable`` is true for all columns of views, of which PostgreSQL knows no more."""

    schema: str
    table: str
    table_meaning: str | None
    name: str
    type: str
    is_nullable: bool
    is_key: bool | None
    meaning: str | None

    @property
    def shown_type(self) -> str:
        return _TYPES.get(self.type, self.type)


def read_columns(connection: Connection) -> list[Column]:
    """Return every column of the schemas ozon and ozon_bi, with its comment in the database."""
    return connection.cursor(row_factory=class_row(Column)).execute(_COLUMNS).fetchall()


def pages(columns: list[Column]) -> dict[Path, str]:
    """Return each page with its generated part updated."""
    return {
        path: with_part(path, _sections(columns, tables), _SOURCE)
        for path, tables in ((DOCS_PATH, TABLES), (VIEWS_PATH, VIEWS))
    }


def main(arguments: list[str]) -> int:
    return max(write_or_check(path, text, _MODULE, arguments) for path, text in pages(_migrated_columns()).items())


def _migrated_columns() -> list[Column]:
    """Return the columns of a temporary server."""
    with TemporaryDirectory(prefix="ozon-tables-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            server.create_database("warehouse", WAREHOUSE_ROLE)
            connect = partial(psycopg.connect, server.dsn("warehouse", WAREHOUSE_ROLE))
            schema.upgrade(connect)
            with connect() as connection:
                return read_columns(connection)
        finally:
            server.stop()


def _sections(columns: list[Column], tables: tuple[Table, ...]) -> str:
    return "\n".join(
        _section(table, [column for column in columns if (column.schema, column.table) == (table.schema, table.name)])
        for table in tables
    )


def _section(described: Table, columns: list[Column]) -> str:
    if described.schema != "ozon":
        rows = ((f"`{column.name}`", column.shown_type, column.meaning or "") for column in columns)
        shown = table(("Column", "Type", "Meaning"), rows)
    else:
        shown = table(("Column", "Type", "Null", "Meaning"), _rows(columns))
    return f"### {described.name}\n\n{columns[0].table_meaning}\n\n{shown}"


def _rows(columns: list[Column]) -> Iterator[tuple[str, ...]]:
    for column in columns:
        yield (
            f"`{column.name}`{' (key)' if column.is_key else ''}",
            column.shown_type,
            "yes" if column.is_nullable else "",
            column.meaning or "",
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
