"""The floor: a bare script that downloads, copies into a staging table, and merges once."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.benchmarks.download import COLUMNS, product_rows

TABLE = "products"
MERGES = True

_DEFINITIONS = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
_VALUES = [name for name in COLUMNS if name != "product_id"]
_MERGE = f"""
MERGE INTO products p USING staged s ON p.product_id = s.product_id
WHEN MATCHED AND ({", ".join(f"p.{name}" for name in _VALUES)})
    IS DISTINCT FROM ({", ".join(f"s.{name}" for name in _VALUES)})
    THEN UPDATE SET {", ".join(f"{name} = s.{name}" for name in _VALUES)}
WHEN NOT MATCHED THEN INSERT VALUES ({", ".join(f"s.{name}" for name in COLUMNS)})
"""


def prepare(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(f"CREATE TABLE products ({_DEFINITIONS}, PRIMARY KEY (product_id))")


def load(base_url: str, dsn: str, folder: Path) -> None:
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE staged ({_DEFINITIONS})")
        with cursor.copy("COPY staged FROM STDIN") as copy:
            for rows in product_rows(base_url):
                for row in rows:
                    copy.write_row(row)
        cursor.execute(_MERGE)
