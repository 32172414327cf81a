"""The floor: the least that a script can do, with text COPY into a staging table and one MERGE.

No records, guards, history or resume, no limit of requests, and an answer that differs ends it.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from include.ozon.warehouse.copy_text import NULL, text, text_array
from tests.benchmarks.download import COLUMNS, Item, downloaded, items_of, visibility_of

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
            for lines in downloaded(base_url, _lines):
                copy.write(lines)
        cursor.execute(_MERGE)


def _lines(answer: bytes, visible: set[int]) -> bytes:
    return "".join([_line(item, visible) for item in items_of(answer)]).encode()


def _line(item: Item, visible: set[int]) -> str:
    statuses, details = item.statuses, item.visibility_details
    return (
        f"{item.id}\t{text(item.offer_id)}\t{item.sku or NULL}\t{text(item.name)}\t{item.price or NULL}\t"
        f"{item.old_price or NULL}\t{item.currency_code}\t{visibility_of(item, visible)}\t{statuses.status}\t"
        f"{text(statuses.status_name)}\t{text_array(item.hidden_reasons)}\t{item.is_archived}\t{details.has_price}\t{details.has_stock}\t"
        f"{item.created_at}\t{item.updated_at}\n"
    )
