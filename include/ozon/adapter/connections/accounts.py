"""Clients of the Seller API from the connections ``ozon_api_<account>``."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from include.ozon.adapter.connections.lookup import require_connection
from include.ozon.errors import ConnectionSettingsError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.settings import Settings, check_distinct_client_ids


def api_connection_id(account: str) -> str:
    return f"ozon_api_{account}"


def api_credentials(account: str) -> Credentials:
    """Return the credentials in ``ozon_api_<account>``. Raise ConnectionSettingsError if one is missing."""
    source = api_connection_id(account)
    connection = require_connection(source)
    host = connection.host or ""
    return Credentials(
        # A connection that was written as a URI has its port in a separate field.
        base_url=f"{host.rstrip('/')}:{connection.port}" if connection.port else host,
        client_id=connection.login or "",
        api_key=connection.password or "",
        source=source,
        allow_http=connection.extra_dejson.get("allow_http") is True,
    )


def open_seller_client(account: str, settings: Settings, stop: threading.Event) -> SellerClient:
    """Return the account's client, with the request rate of the load."""
    return SellerClient(api_credentials(account), settings.api, stop=stop)


def check_accounts_are_distinct(accounts: Iterable[str]) -> None:
    """Raise ConfigurationError if two accounts have the same Client-Id.

    An account whose connection is missing or wrong is left to its own tasks, so that the others are loaded.
    """
    client_ids = {}
    for account in accounts:
        try:
            client_ids[account] = api_credentials(account).client_id
        except ConnectionSettingsError:
            continue
    check_distinct_client_ids(client_ids)
