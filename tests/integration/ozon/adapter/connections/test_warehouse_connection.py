"""`ozon_warehouse` as Airflow's PostgresHook opens it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from airflow.sdk.execution_time.cache import SecretCache

from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.settings import WarehouseSettings
from include.ozon.warehouse.session import Connect, open_session
from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION

SETTINGS = WarehouseSettings(connect_timeout_seconds=7)


@pytest.fixture
def connect(warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``connect(extra={...})``: return a function that connects to the test's warehouse."""

    def connect(**fields: Any) -> Connect:
        SecretCache.reset()
        monkeypatch.setenv(
            WAREHOUSE_CONNECTION, json.dumps({**json.loads(postgres_connection(warehouse_dsn)), **fields})
        )
        return warehouse_connect(SETTINGS)

    yield connect
    SecretCache.reset()


def test_it_is_psycopg_3_and_notices_a_dead_network(connect: Any) -> None:
    with connect()() as connection:
        assert isinstance(connection, psycopg.Connection)
        parameters = connection.info.get_parameters()
    assert (parameters["connect_timeout"], parameters["keepalives_idle"]) == ("7", "30")
    assert parameters["tcp_user_timeout"] == "60000"


def test_the_connections_own_options_win(connect: Any) -> None:
    with connect(extra={"keepalives_idle": 5, "sslmode": "disable"})() as connection:
        parameters = connection.info.get_parameters()
    assert (parameters["keepalives_idle"], parameters["sslmode"]) == ("5", "disable")


def test_every_call_opens_another_session(connect: Any) -> None:
    opener = connect()
    with open_session(opener, SETTINGS, "first") as first, open_session(opener, SETTINGS, "second") as second:
        assert first.info.backend_pid != second.info.backend_pid
