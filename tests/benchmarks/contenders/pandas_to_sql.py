"""pandas' ``to_sql`` with the fastest method of its documentation: a callable that runs ``COPY``.

It only appends: a reload adds its rows to the existing ones and compares nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import sqlalchemy as sa

from tests.benchmarks.download import COLUMNS, product_rows

TABLE = "products"
MERGES = False


def prepare(dsn: str) -> None:
    # Python's csv module cannot write PostgreSQL arrays.
    columns = COLUMNS | {"hidden_reasons": "jsonb"}
    definitions = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
    with psycopg.connect(dsn) as connection:
        connection.execute(f"CREATE TABLE products ({definitions})")


def load(base_url: str, dsn: str, folder: Path) -> None:
    engine = sa.create_engine(dsn.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.begin() as connection:
        for rows in product_rows(base_url):
            frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"sku": "Int64"})
            frame["hidden_reasons"] = frame["hidden_reasons"].map(json.dumps)
            frame.to_sql("products", connection, if_exists="append", index=False, method=_copy)
    engine.dispose()


def _copy(table: Any, connection: sa.Connection, columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv)"
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(lines.getvalue())
