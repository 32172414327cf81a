"""The connection ``ozon_warehouse`` as what opens sessions of the warehouse."""

from __future__ import annotations

import json
from typing import Any, cast

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import Connection

from include.ozon.adapter.connections.lookup import require_connection
from include.ozon.errors import ConnectionSettingsError
from include.ozon.settings import WarehouseSettings
from include.ozon.warehouse import session

WAREHOUSE_CONNECTION_ID = "ozon_warehouse"


def warehouse_connect(settings: WarehouseSettings) -> session.Connect:
    """What opens connections to ``ozon_warehouse``; Airflow is asked for its fields once.

    Raises ConnectionSettingsError where there is no such connection, and on connecting where libpq does not
    know one of its options.
    """
    connection = require_connection(WAREHOUSE_CONNECTION_ID)
    # libpq's own parameters: a dead network is noticed in a minute instead of in two hours.
    network = {
        "connect_timeout": settings.connect_timeout_seconds,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    connection.extra = json.dumps({**network, **_extra(connection)})
    hook = PostgresHook(connection=connection)

    def connect() -> session.Connection:
        try:
            return cast(session.Connection, hook.get_conn())
        except psycopg.ProgrammingError as error:
            raise _unusable_extra(" ".join(str(error).split())) from error

    return connect


def late_warehouse_connect(settings: WarehouseSettings) -> session.Connect:
    """Like `warehouse_connect`, but a missing or wrong connection is told only when it is used.

    For what has to go on without the warehouse: checks and alerts.
    """

    def connect() -> session.Connection:
        return warehouse_connect(settings)()

    return connect


def _extra(connection: Connection) -> dict[str, Any]:
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError:
        raise _unusable_extra("something that is no JSON") from None
    if not isinstance(extra, dict):
        raise _unusable_extra("JSON that is no object")
    return extra


def _unusable_extra(found: str) -> ConnectionSettingsError:
    return ConnectionSettingsError(
        f"Connection {WAREHOUSE_CONNECTION_ID}: expected extra to be a JSON object of libpq's options, such as "
        f'{{"sslmode": "require"}}; found {found}.'
    )
