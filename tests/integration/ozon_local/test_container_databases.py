"""The stack's one-shot service `databases` on a real PostgreSQL: two databases, isolated from each other."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from include.ozon_local.container.databases import create_databases
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.support.servers import running_server

PASSWORDS = {"AIRFLOW_DB_PASSWORD": "for a test", "WAREHOUSE_PASSWORD": "for 'another'"}
ROLES = {"airflow": "AIRFLOW_DB_PASSWORD", "ozon": "WAREHOUSE_PASSWORD"}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A separate server, because the tests change passwords of roles."""
    with running_server("databases") as server:
        create_databases(server.dsn("postgres", SUPERUSER), PASSWORDS)
        yield server


def connect(server: EmbeddedPostgres, role: str, database: str, passwords: dict[str, str] = PASSWORDS) -> None:
    host, _, port = server.address.partition(":")
    password = passwords[ROLES[role]]
    with psycopg.connect(host=host, port=int(port), user=role, password=password, dbname=database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")


@pytest.mark.parametrize(("role", "database"), [("airflow", "airflow"), ("ozon", "ozon_warehouse")])
def test_a_role_may_work_in_its_own_database(server: EmbeddedPostgres, role: str, database: str) -> None:
    connect(server, role, database)


@pytest.mark.parametrize(
    ("role", "database"),
    [("airflow", "ozon_warehouse"), ("ozon", "airflow"), ("airflow", "postgres"), ("ozon", "template1")],
)
def test_a_role_cannot_connect_to_another_database(server: EmbeddedPostgres, role: str, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(server, role, database)


def test_a_second_run_changes_passwords_and_keeps_data(server: EmbeddedPostgres) -> None:
    connect(server, "ozon", "ozon_warehouse")
    changed = PASSWORDS | {"WAREHOUSE_PASSWORD": "a new one"}

    create_databases(server.dsn("postgres", SUPERUSER), changed)

    connect(server, "ozon", "ozon_warehouse", changed)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(server, "ozon", "ozon_warehouse")
    create_databases(server.dsn("postgres", SUPERUSER), PASSWORDS)
    connect(server, "ozon", "ozon_warehouse")
