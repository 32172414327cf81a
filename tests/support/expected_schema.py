"""Writes ``include/ozon/monitoring/health/expected_schema.py`` from what the migrations make.

After a new migration: ``.venv/bin/python -m tests.support.expected_schema``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import psycopg

from include.ozon.monitoring.health.warehouse_schema import Snapshot, read_schema
from include.ozon.warehouse import schema
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres

FILE = Path(__file__).parents[2] / "include" / "ozon" / "monitoring" / "health" / "expected_schema.py"

_HEADER = '''"""What the migrations make, as the health check compares it with the warehouse.

Generated after each new migration by ``.venv/bin/python -m tests.support.expected_schema``; a test compares it with
a freshly migrated database.
"""

from __future__ import annotations

# ruff: noqa: E501 - an index's definition stands as PostgreSQL prints it
'''


def render(snapshot: Snapshot) -> str:
    return (
        f"{_HEADER}\nCOLUMNS: dict[str, dict[str, str]] = {json.dumps(snapshot.columns, indent=4)}\n\n"
        f"INDEXES: dict[str, str] = {json.dumps(snapshot.indexes, indent=4)}\n"
    )


def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="ozon-schema-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            server.create_database("warehouse", WAREHOUSE_ROLE)
            connect = partial(psycopg.connect, server.dsn("warehouse", WAREHOUSE_ROLE))
            schema.upgrade(connect)
            with connect() as connection:
                FILE.write_text(render(read_schema(connection)), "utf-8")
            subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(FILE)], check=True)
        finally:
            server.stop()


if __name__ == "__main__":
    _main()
