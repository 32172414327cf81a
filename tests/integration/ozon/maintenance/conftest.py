from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)


class Warehouse:
    """A separate warehouse, in autocommit mode; ``connection`` is the step's, opened by `open_session`."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.connection: psycopg.Connection[tuple[Any, ...]] = psycopg.connect(dsn, autocommit=True)
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET lock_timeout = '2s'")

    def execute(self, query: str, **parameters: object) -> None:
        self.connection.execute(query.encode(), {"now": NOW, **parameters})

    def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.dsn, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(query.encode(), {"now": NOW, **parameters}).fetchall()

    def values(self, query: str, **parameters: object) -> list[Any]:
        """The first column."""
        return [next(iter(row.values())) for row in self.rows(query, **parameters)]

    def everything(self) -> dict[str, set[str]]:
        tables = self.values("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE 'ozon%%'")
        return {table: set(self.values(f"SELECT ctid::text || xmin || t::text FROM {table} t")) for table in tables}


@pytest.fixture
def warehouse(warehouse_dsn: str) -> Any:
    made = Warehouse(warehouse_dsn)
    yield made
    made.connection.close()
