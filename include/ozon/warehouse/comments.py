"""Comments on tables and columns in the database, which psql's ``\\d+``, BI tools and docs/tables.md show."""

from __future__ import annotations

from psycopg import sql

from include.ozon.warehouse.session import Connection
from include.ozon.warehouse.tables import TABLES

_WRITTEN = """
SELECT c.relname::text, a.attname::text, coalesce(d.description, '')
FROM pg_class c
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
WHERE c.relnamespace = 'ozon'::regnamespace AND c.relkind = 'r'
UNION ALL
SELECT c.relname::text, NULL, coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c
WHERE c.relnamespace = 'ozon'::regnamespace AND c.relkind = 'r'
"""


def write_comments(connection: Connection) -> None:
    """Write the comment of every table and column that differs from the database's."""
    written = {(table, column): comment for table, column, comment in connection.execute(_WRITTEN)}
    with connection.transaction():
        for table in TABLES:
            name = sql.Identifier("ozon", table.name)
            if written[table.name, None] != table.comment:
                statement = sql.SQL("COMMENT ON TABLE {} IS {}")
                connection.execute(statement.format(name, sql.Literal(table.comment)))
            for column in table.columns:
                if written[table.name, column.name] != column.comment:
                    statement = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
                    identifier = sql.Identifier(column.name)
                    connection.execute(statement.format(name, identifier, sql.Literal(column.comment)))
