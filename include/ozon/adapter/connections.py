"""Airflow's connections as what the work needs; secrets stay in whatever secrets backend Airflow uses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import cast

from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ozon.errors import ConnectionSettingsError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.settings import Settings, WarehouseSettings, check_distinct_client_ids
from include.ozon.warehouse import session

WAREHOUSE_CONNECTION_ID = "ozon_warehouse"


def api_connection_id(account: str) -> str:
    return f"ozon_api_{account}"


def warehouse_connect(settings: WarehouseSettings) -> session.Connect:
    """What opens connections to ``ozon_warehouse``; Airflow is asked for its fields once.

    Raises ConnectionSettingsError where there is no such connection.
    """
    connection = _connection(WAREHOUSE_CONNECTION_ID)
    # libpq's own parameters: a dead network is noticed in a minute instead of in two hours.
    network = {
        "connect_timeout": settings.connect_timeout_seconds,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    connection.extra = json.dumps({**network, **connection.extra_dejson})
    hook = PostgresHook(connection=connection)
    return lambda: cast(session.Connection, hook.get_conn())


def api_credentials(account: str) -> Credentials:
    """What ``ozon_api_<account>`` says. Raises ConnectionSettingsError where it is missing or incomplete."""
    source = api_connection_id(account)
    connection = _connection(source)
    return Credentials(
        base_url=connection.host or "",
        client_id=connection.login or "",
        api_key=connection.password or "",
        source=source,
    )


def open_seller_client(account: str, settings: Settings, stop: threading.Event) -> SellerClient:
    """The account's client, at the pace of the load."""
    return SellerClient(api_credentials(account), settings.api, stop=stop)


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


def _connection(connection_id: str) -> Connection:
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        raise ConnectionSettingsError(
            f"Airflow has no connection {connection_id}. Add it in Airflow (Admin, Connections) or set the variable "
            f"AIRFLOW_CONN_{connection_id.upper()}; README shows its fields."
        ) from None
    except (ValueError, TypeError) as error:
        # Not the error's own words: Airflow quotes the whole connection in them.
        raise ConnectionSettingsError(
            f"Airflow's connection {connection_id} cannot be read ({type(error).__name__}). If it comes from "
            f"AIRFLOW_CONN_{connection_id.upper()}, that has to be JSON or a URI as Airflow documents it."
        ) from None
