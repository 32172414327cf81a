"""Comments on tables and columns in the database, which psql's ``\\d+``, BI tools and docs/tables.md show."""

from __future__ import annotations

from psycopg import sql

from include.ozon.warehouse.session import Connection
from include.ozon.warehouse.tables import TABLES
from include.ozon.warehouse.views import VIEWS

_WRITTEN = """
SELECT c.relnamespace::regnamespace::text, c.relname::text, a.attname::text, coalesce(d.description, '')
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
WHERE c.relnamespace IN ('ozon'::regnamespace, 'ozon_bi'::regnamespace) AND c.relkind IN ('r', 'v')
UNION ALL
SELECT c.relnamespace::regnamespace::text, c.relname::text, NULL, coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c
WHERE c.relnamespace IN ('ozon'::regnamespace, 'ozon_bi'::regnamespace) AND c.relkind IN ('r', 'v')
"""


def write_comments(connection: Connection) -> None:
    """Write the comment of every table, view and column that differs from the database's."""
    written = {(schema, table, column): comment for schema, table, column, comment in connection.execute(_WRITTEN)}
    with connection.transaction():
        for table in (*TABLES, *VIEWS):
            name = sql.Identifier(table.schema, table.name)
            if written[table.schema, table.name, None] != table.comment:
                statement = sql.SQL("COMMENT ON {} {} IS {}")
                kind = sql.SQL("VIEW" if table in VIEWS else "TABLE")
                connection.execute(statement.format(kind, name, sql.Literal(table.comment)))
            for column in table.columns:
                if written[table.schema, table.name, column.name] != column.comment:
                    statement = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
                    identifier = sql.Identifier(column.name)
                    connection.execute(statement.format(name, identifier, sql.Literal(column.comment)))
