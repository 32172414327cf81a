"""Comparison of the warehouse's tables, views and indexes with the migrations; Alembic compares only revisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from include.ozon.warehouse.schema import MIGRATIONS
from include.ozon.warehouse.session import Connection

SCHEMAS = ("ozon", "ozon_staging", "ozon_bi")
EXPECTED = MIGRATIONS / "expected_schema.json"
"""The migrated schema; written by ``python -m tests.support.expected_schema`` after each new migration."""

# Only the presence of a default is compared: versions of PostgreSQL print defaults differently.
_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname,
       format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || CASE WHEN a.attgenerated = 's' THEN ' generated' WHEN a.atthasdef THEN ' default' ELSE '' END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v')
ORDER BY 1, a.attnum
"""

# An index's definition without CREATE INDEX <name> ON, and without a fill factor, which does not matter here.
_INDEXES = r"""
SELECT n.nspname || '.' || i.relname,
       regexp_replace(regexp_replace(
           pg_get_indexdef(x.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON ', '\1'), ' WITH \([^)]*\)', ''),
       x.indisvalid
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE n.nspname = ANY(%s)
ORDER BY 1
"""


@dataclass(frozen=True)
class Snapshot:
    """A schema: ``columns`` by table, with type and properties; ``indexes`` by name; names of the invalid indexes."""

    columns: dict[str, dict[str, str]]
    indexes: dict[str, str]
    invalid_indexes: tuple[str, ...]


@cache
def expected_schema() -> Snapshot:
    """Return the schema that the migrations make."""
    fields = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return Snapshot(fields["columns"], fields["indexes"], ())


def read_schema(connection: Connection) -> Snapshot:
    """Read the schema of the warehouse."""
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(_COLUMNS, (list(SCHEMAS),)):
        columns.setdefault(table, {})[column] = kind
    indexes = connection.execute(_INDEXES, (list(SCHEMAS),)).fetchall()
    return Snapshot(
        columns,
        {name: definition for name, definition, _ in indexes},
        tuple(name for name, _, is_valid in indexes if not is_valid),
    )


def differences(connection: Connection) -> list[str]:
    """Describe each difference from the migrations, except additions that do not break a load."""
    found = read_schema(connection)
    return [*_column_differences(found.columns), *_index_differences(found)]


def number_of_objects() -> str:
    expected = expected_schema()
    columns = sum(map(len, expected.columns.values()))
    return f"{len(expected.columns)} tables and views, {columns} columns, {len(expected.indexes)} indexes"


def _column_differences(found: dict[str, dict[str, str]]) -> Iterator[str]:
    for table, expected_columns in expected_schema().columns.items():
        if table not in found:
            yield f"{'view' if table.startswith('ozon_bi.') else 'table'} {table} is missing"
            continue
        for column, expected in expected_columns.items():
            kind = found[table].get(column)
            if kind is None:
                yield f"column {table}.{column} is missing"
            elif kind != expected:
                yield f"column {table}.{column} is {kind} instead of {expected}"
        for column, kind in found[table].items():
            if column not in expected_columns and kind.endswith(" not null"):
                yield f"column {table}.{column} was added as NOT NULL, so loads cannot insert rows"


def _index_differences(found: Snapshot) -> Iterator[str]:
    for name, expected in expected_schema().indexes.items():
        definition = found.indexes.get(name)
        if definition is None:
            yield f"index {name} is missing"
        elif definition != expected:
            yield f"index {name} is `{definition}` instead of `{expected}`"
    for name in found.invalid_indexes:
        yield f"index {name} is invalid (run REINDEX, or drop it if its creation was interrupted)"
