"""Writer of ``include/ozon/warehouse/migrations/expected_schema.json``, from a database with all migrations.

Run after a new migration: ``.venv/bin/python -m tests.support.expected_schema``.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg

from include.ozon.monitoring.health.warehouse_schema import EXPECTED, read_schema
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_connection
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres


def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="ozon-schema-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            server.create_database("warehouse", WAREHOUSE_ROLE)
            connect = partial(psycopg.connect, server.dsn("warehouse", WAREHOUSE_ROLE))
            schema.upgrade(connect)
            # With the product's search path, on which the text of an index depends.
            with closing(open_connection(connect, "expected schema")) as connection:
                found = read_schema(connection)
            fields = {"columns": found.columns, "indexes": found.indexes}
            EXPECTED.write_text(f"{json.dumps(fields, indent=2)}\n", "utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    _main()
