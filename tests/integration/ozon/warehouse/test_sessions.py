"""Session settings are the same on every server, whatever the role's settings, and on servers that lack a setting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from include.ozon.errors import AccessDeniedError
from include.ozon.settings import WarehouseSettings
from include.ozon.warehouse import session
from include.ozon.warehouse.session import Connection, open_connection, open_session, require_temporary_tables
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.support import hostile

FIRST_WITH_TRANSACTION_TIMEOUT = 170_000


@pytest.fixture
def hostile_dsn(postgres: EmbeddedPostgres, empty_database_dsn: str) -> str:
    """Return the address of a database whose role has other values for all settings."""
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
        has_newest = superuser.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT
        newest = {"transaction_timeout": "400ms"} if has_newest else {}
        hostile.set_for_role(superuser, empty_database_dsn, hostile.SETTINGS | newest)
    return empty_database_dsn


@contextmanager
def load(dsn: str) -> Iterator[Connection]:
    settings = WarehouseSettings(lock_timeout_seconds=7, statement_timeout_seconds=8)
    with open_session(partial(psycopg.connect, dsn), settings, "a load") as connection:
        yield connection


@contextmanager
def migration(dsn: str) -> Iterator[Connection]:
    with open_connection(partial(psycopg.connect, dsn), "a migration") as connection:
        yield connection


@pytest.mark.parametrize("opened", [load, migration])
def test_all_settings_of_the_role_are_overridden(opened: Any, hostile_dsn: str) -> None:
    with opened(hostile_dsn) as connection:
        rows = connection.execute("SELECT name, setting FROM pg_settings").fetchall()
    found = {name: value for name, value in rows if name in hostile.SETTINGS | {"transaction_timeout": ""}}

    assert {name: value for name, value in found.items() if not name.endswith("timeout")} == {
        "client_encoding": "UTF8",
        "standard_conforming_strings": "on",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "postgres",
        "TimeZone": "UTC",
        "bytea_output": "hex",
        "extra_float_digits": "1",
        "array_nulls": "on",
        "transform_null_equals": "off",
        "quote_all_identifiers": "off",
        "search_path": "pg_catalog, pg_temp",
        "default_transaction_isolation": "read committed",
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
    limits = {name: value for name, value in found.items() if name.endswith("timeout") and value != "0"}
    own = {"lock_timeout": "7000", "statement_timeout": "8000"} if opened is load else {}
    assert limits == {"tcp_user_timeout": "60000", **own}


def test_values_are_read_back_unchanged(hostile_dsn: str) -> None:
    moment = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
    values = (
        "Кружка «Ёж» 准备出售 \\ '",
        moment,
        timedelta(days=-3, seconds=4),
        b"\x00\xff\\",
        0.1 + 0.2,
        [None, "NULL"],
    )

    with load(hostile_dsn) as connection:
        query = "SELECT %s::text, %s::timestamptz, %s::interval, %s::bytea, %s::float8, %s::text[]"
        assert connection.execute(query, values).fetchone() == values


def test_a_session_outlives_its_role_s_own_time_outs(hostile_dsn: str) -> None:
    with load(hostile_dsn) as connection:
        time.sleep(0.6)
        with connection.transaction():
            connection.execute("SELECT 1")
            time.sleep(0.6)
            connection.execute("SELECT 1")


def test_a_temporary_table_does_not_shadow_postgresqls_own(warehouse_dsn: str) -> None:
    with load(warehouse_dsn) as connection:
        connection.execute("CREATE TEMPORARY TABLE pg_class AS SELECT 'shadow' AS relname")

        assert connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'shadow'").fetchone() == (0,)


def test_a_setting_that_a_server_refuses_is_left_out(warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # For this value, any server answers as a server on Windows does for client_connection_check_interval.
    monkeypatch.setattr(session, "_OPTIONAL_SETTINGS", {"client_connection_check_interval": "-1s"})
    monkeypatch.setitem(session.SESSION_SETTINGS, "not_known_before_postgresql_99", "on")

    with load(warehouse_dsn) as connection:
        assert connection.execute("SHOW TimeZone").fetchone() == ("UTC",)


def test_a_session_costs_two_statements(warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[object] = []
    execute = psycopg.Connection.execute

    def counted(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        executed.append(query)
        return execute(connection, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    with load(warehouse_dsn):
        assert len(executed) == 2


def test_the_grant_for_temporary_tables_can_be_run_as_it_is_written(postgres: EmbeddedPostgres) -> None:
    database, role = 'odd "name"', "odd.role"
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
        superuser.execute('CREATE DATABASE "odd ""name"""')
        superuser.execute("CREATE ROLE \"odd.role\" LOGIN PASSWORD 'odd'")
        superuser.execute('REVOKE TEMPORARY ON DATABASE "odd ""name""" FROM PUBLIC')
        host, _, port = postgres.address.partition(":")
        connect = partial(psycopg.connect, host=host, port=port, dbname=database, user=role, password="odd")
        try:
            with open_session(connect, WarehouseSettings(), "a load") as connection:
                with pytest.raises(AccessDeniedError, match="temporary tables") as refused:
                    require_temporary_tables(connection)
                superuser.execute(str(refused.value).rpartition(": ")[2])
                require_temporary_tables(connection)
        finally:
            superuser.execute('DROP DATABASE "odd ""name"""')
            superuser.execute('DROP ROLE "odd.role"')
