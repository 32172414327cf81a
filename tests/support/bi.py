"""The role of docs/bi.md that may read ``ozon_bi`` and nothing else, made by the page's statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from include.ozon_local.table_docs import VIEWS_PATH

READER = "dashboards"
_ROLES = (READER, "ozon_bi_reader")
_PASSWORD = "of-this-test"


@contextmanager
def bi_reader(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[str]:
    """Yield the warehouse's DSN for the page's role; the roles are dropped afterwards."""
    found = re.search(r"^```sql\n(CREATE ROLE.+?)^```", VIEWS_PATH.read_text("utf-8"), flags=re.M | re.S)
    assert found, "docs/bi.md: expected a ```sql block with the grants"
    database = warehouse_dsn.rpartition("/")[2]
    with psycopg.connect(postgres.dsn(database, SUPERUSER), autocommit=True) as superuser:
        superuser.execute(found[1].encode())
        superuser.execute(f"ALTER ROLE {READER} PASSWORD '{_PASSWORD}'".encode())
        try:
            yield f"postgresql://{READER}:{_PASSWORD}@{postgres.address}/{database}"
        finally:
            for role in _ROLES:
                superuser.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())
