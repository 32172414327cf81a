"""Airflow's connections as what the work needs; secrets stay in whatever secrets backend Airflow uses."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from typing import Any, cast

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ozon.errors import ConnectionSettingsError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.pacer import shared_pacer
from include.ozon.marketplace.transport import Observe
from include.ozon.settings import Settings, WarehouseSettings, check_distinct_client_ids
from include.ozon.warehouse import session

WAREHOUSE_CONNECTION_ID = "ozon_warehouse"
# Of a client that is not the load's: the health check runs every quarter of an hour.
LONGEST_RETRY_AFTER_SECONDS = 900.0


def api_connection_id(account: str) -> str:
    return f"ozon_api_{account}"


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


def api_credentials(account: str) -> Credentials:
    """What ``ozon_api_<account>`` says. Raises ConnectionSettingsError where it is missing or incomplete."""
    source = api_connection_id(account)
    connection = require_connection(source)
    host = connection.host or ""
    return Credentials(
        # A connection that was written as a URI has the port of its host in a field of its own.
        base_url=f"{host.rstrip('/')}:{connection.port}" if connection.port else host,
        client_id=connection.login or "",
        api_key=connection.password or "",
        source=source,
    )


def open_seller_client(account: str, settings: Settings, stop: threading.Event) -> SellerClient:
    """The account's client, at the pace of the load."""
    return SellerClient(api_credentials(account), settings.api, stop=stop)


def open_other_client(
    credentials: Credentials, settings: Settings, timeout_seconds: float | None = None, observe: Observe | None = None
) -> SellerClient:
    """Return a client that sends each request once, at a pace of its own: the load keeps what it may send."""
    once: dict[str, Any] = {
        "attempts": 1,
        "retry_budget_seconds": 0.0,
        "longest_retry_after_seconds": LONGEST_RETRY_AFTER_SECONDS,
    }
    if timeout_seconds is not None:
        names = ("connect_timeout_seconds", "read_timeout_seconds", "exchange_timeout_seconds")
        once |= dict.fromkeys(names, timeout_seconds)
    who = f"{credentials.base_url} {credentials.client_id} other"
    pacer = shared_pacer(who, settings.api.other_requests_per_second)
    return SellerClient(credentials, settings.api.model_copy(update=once), pacer=pacer, observe=observe)


def check_accounts_are_distinct(accounts: Iterable[str]) -> None:
    """Raise ConfigurationError where two accounts have one Client-Id.

    An account whose connection is missing or wrong is left to its own tasks, so that the others are loaded.
    """
    client_ids = {}
    for account in accounts:
        try:
            client_ids[account] = api_credentials(account).client_id
        except ConnectionSettingsError:
            continue
    check_distinct_client_ids(client_ids)


def require_connection(connection_id: str) -> Connection:
    """Airflow's connection of that name. Raises ConnectionSettingsError where there is none that it can read."""
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        variable = f"AIRFLOW_CONN_{connection_id.upper()}"
        # Airflow passes over a variable that it cannot read as if it were not there.
        if os.environ.get(variable):
            raise ConnectionSettingsError(
                f"Airflow cannot read its connection {connection_id} from the variable {variable}. Expected JSON such "
                'as {"conn_type": ..., "host": ..., "login": ..., "password": ...}, or a URI; README shows its fields.'
            ) from None
        raise ConnectionSettingsError(
            f"Airflow has no connection {connection_id}. Add it in Airflow (Admin, Connections) or set the variable "
            f"{variable}; README shows its fields."
        ) from None


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
