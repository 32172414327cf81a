"""Connections to the warehouse from ``ozon_warehouse``."""

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
from include.ozon.words import one_line

WAREHOUSE_CONNECTION_ID = "ozon_warehouse"


def warehouse_connect(settings: WarehouseSettings) -> session.Connect:
    """Return a function that connects to the warehouse; the fields of ``ozon_warehouse`` are read from Airflow once.

    Raise ConnectionSettingsError if there is no such connection. The returned function raises it if libpq does not
    know one of its options.
    """
    connection = require_connection(WAREHOUSE_CONNECTION_ID)
    # libpq's own parameters: a broken network is noticed within a minute instead of two hours.
    network = {
        "connect_timeout": settings.connect_timeout_seconds,
        **session.KEEPALIVES,
        "tcp_user_timeout": session.TCP_USER_TIMEOUT_MS,
    }
    connection.extra = json.dumps({**network, **_extra(connection)})
    hook = PostgresHook(connection=connection)

    def connect() -> session.Connection:
        try:
            return cast(session.Connection, hook.get_conn())
        except psycopg.ProgrammingError as error:
            raise _unusable_extra(one_line(error)) from error

    return connect


def warehouse_address() -> str:
    """Return the warehouse as ``postgres://host:port/database``, without user and password."""
    connection = require_connection(WAREHOUSE_CONNECTION_ID)
    host = connection.host or "localhost"
    if host.startswith("/"):  # the folder of a socket
        host = "localhost"
    return f"postgres://{host}:{connection.port or 5432}/{connection.schema or connection.login}"


def late_warehouse_connect(settings: WarehouseSettings) -> session.Connect:
    """Return the same function, but raise for a missing or wrong connection only when it is called.

    For code that has to work without the warehouse: checks and alerts.
    """

    def connect() -> session.Connection:
        return warehouse_connect(settings)()

    return connect


def _extra(connection: Connection) -> dict[str, Any]:
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError:
        raise _unusable_extra("invalid JSON") from None
    if not isinstance(extra, dict):
        raise _unusable_extra("JSON of another type")
    return extra


def _unusable_extra(found: str) -> ConnectionSettingsError:
    return ConnectionSettingsError(
        f"Connection {WAREHOUSE_CONNECTION_ID}: expected extra to be a JSON object of libpq's options, for example "
        f'{{"sslmode": "require"}}; found {found}.'
    )
