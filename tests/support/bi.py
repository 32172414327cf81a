"""The roles of docs/bi.md and docs/dbt.md, made by the statements of these pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from include.ozon_local.home import ROOT
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres

PASSWORD = "of-this-test"


@contextmanager
def bi_reader(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[str]:
    """Yield the warehouse's DSN for the role of docs/bi.md, which may read ``ozon_bi`` and nothing else."""
    with _roles_of(postgres, warehouse_dsn, "bi.md"):
        yield _dsn(postgres, warehouse_dsn, "dashboards")


@contextmanager
def dbt_role(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[str]:
    """Yield the warehouse's DSN for the role of docs/dbt.md, inside of `bi_reader`."""
    with _roles_of(postgres, warehouse_dsn, "dbt.md"):
        yield _dsn(postgres, warehouse_dsn, "dbt")


@contextmanager
def _roles_of(postgres: EmbeddedPostgres, warehouse_dsn: str, page: str) -> Iterator[None]:
    found = re.search(r"^```sql\n(CREATE ROLE.+?)^```", (ROOT / "docs" / page).read_text("utf-8"), flags=re.M | re.S)
    assert found, f"docs/{page}: expected a ```sql block that creates roles"
    roles = re.findall(r"CREATE ROLE (\w+)", found[1])
    with psycopg.connect(_dsn(postgres, warehouse_dsn, SUPERUSER), autocommit=True) as superuser:
        superuser.execute(found[1].encode())
        for role in roles:
            superuser.execute(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'".encode())
        try:
            yield
        finally:
            for role in roles:
                superuser.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


def _dsn(postgres: EmbeddedPostgres, warehouse_dsn: str, role: str) -> str:
    database = warehouse_dsn.rpartition("/")[2]
    if role == SUPERUSER:
        return postgres.dsn(database, SUPERUSER)
    return f"postgresql://{role}:{PASSWORD}@{postgres.address}/{database}"
