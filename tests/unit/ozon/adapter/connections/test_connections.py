"""Airflow's connections, right and wrong: one sentence for each mistake, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.execution_time.cache import SecretCache

from include.ozon.adapter.connections.accounts import api_credentials, check_accounts_are_distinct
from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.errors import ConfigurationError, ConnectionSettingsError
from include.ozon.settings import WarehouseSettings

KEY = "5f2c1a9e-api-key-7d3b1c"
GOOD = {"conn_type": "http", "host": "https://api.example", "login": "101", "password": KEY}


@pytest.fixture(autouse=True)
def no_cache() -> None:
    SecretCache.reset()


@pytest.fixture
def connect_as(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``connect_as("ozon_api_main", "...")``: a connection as a variable of the environment."""

    def connect_as(connection_id: str, value: str | dict[str, Any]) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection_id.upper()}", text)

    return connect_as


@pytest.mark.parametrize(
    ("connection", "base_url"),
    [
        (GOOD, "https://api.example"),
        (GOOD | {"host": "https://api.example/"}, "https://api.example"),
        (GOOD | {"host": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        (GOOD | {"host": "http://127.0.0.1", "port": 8080}, "http://127.0.0.1:8080"),
        (f"http://101:{KEY}@https%3A%2F%2Fapi.example", "https://api.example"),
        (f"http://101:{KEY}@http%3A%2F%2F127.0.0.1:8080", "http://127.0.0.1:8080"),
        (GOOD | {"host": "http://sandbox:8070", "extra": {"allow_http": True}}, "http://sandbox:8070"),
    ],
)
def test_credentials_are_read_from_either_notation(
    connection: str | dict[str, Any], base_url: str, connect_as: Any
) -> None:
    connect_as("ozon_api_main", connection)

    credentials = api_credentials("main")

    assert credentials.base_url == base_url
    assert (credentials.client_id, credentials.api_key) == ("101", KEY)
    assert credentials.source == "ozon_api_main"


@pytest.mark.parametrize(
    ("connection", "sentence"),
    [
        (GOOD | {"host": "api.example"}, "expected host to be the API's base URL with its scheme"),
        (GOOD | {"host": None}, "expected host to be the API's base URL with its scheme"),
        (GOOD | {"host": "http://api.example"}, "expected host to be an https address"),
        (GOOD | {"host": "http://api.example", "extra": {"allow_http": 0}}, "expected host to be an https address"),
        (GOOD | {"host": "https://api.example:1", "port": 2}, "expected host to be the API's base URL"),
        (
            GOOD | {"password": ""},
            "expected password to be the Api-Key that Ozon gave for this Client-Id, found nothing",
        ),
        (GOOD | {"password": f"{KEY} "}, "found a text with spaces"),
        (GOOD | {"login": None}, "expected login to be Ozon's Client-Id, a positive integer, found nothing"),
        (GOOD | {"login": "my shop"}, "found something else"),
        (GOOD | {"login": KEY, "password": "101"}, "expected login to be Ozon's Client-Id, a positive integer"),
        (GOOD | {"login": "0101"}, "expected login to be Ozon's Client-Id, a positive integer"),
        (json.dumps(GOOD)[:-1], "Airflow cannot read its connection ozon_api_main"),
        (GOOD | {"port": "x"}, "Airflow cannot read its connection ozon_api_main"),
        (GOOD | {"api_key": KEY}, "Airflow cannot read its connection ozon_api_main"),
        (f"http://101:{KEY}@https://api.example", "Airflow cannot read its connection ozon_api_main"),
    ],
)
def test_a_wrong_connection_is_one_sentence_without_the_key(
    connection: str | dict[str, Any], sentence: str, connect_as: Any
) -> None:
    connect_as("ozon_api_main", connection)

    with pytest.raises(ConnectionSettingsError) as caught:
        api_credentials("main")

    message = str(caught.value)
    assert sentence in message
    assert "ozon_api_main" in message
    assert "AIRFLOW_CONN_OZON_API_MAIN" in message
    assert KEY not in message
    assert "\n" not in message


@pytest.mark.parametrize("account", ["main", "other"])
def test_a_missing_connection_is_named_with_the_variable_to_set(account: str) -> None:
    with pytest.raises(
        ConnectionSettingsError, match=f"has no connection ozon_api_{account}.*OZON_API_{account.upper()}"
    ):
        api_credentials(account)


def test_two_accounts_of_one_seller_are_refused(connect_as: Any) -> None:
    connect_as("ozon_api_main", GOOD)
    connect_as("ozon_api_second", GOOD | {"password": "another-key"})
    connect_as("ozon_api_third", GOOD | {"login": "103"})

    with pytest.raises(ConfigurationError, match="accounts main and second have the same Client-Id") as caught:
        check_accounts_are_distinct(["main", "second", "third"])

    assert KEY not in str(caught.value)


def test_an_account_without_a_connection_leaves_the_others_alone(connect_as: Any) -> None:
    connect_as("ozon_api_main", GOOD)
    connect_as("ozon_api_second", GOOD | {"login": ""})
    check_accounts_are_distinct(["main", "second", "missing"])


@pytest.mark.parametrize(
    ("extra", "found"),
    [
        ({"nonsense": "x"}, 'found invalid connection option "nonsense"'),
        ("{sslmode", "found invalid JSON"),
        ('["sslmode"]', "found JSON of another type"),
    ],
)
def test_an_extra_that_libpq_does_not_take_is_named(extra: str | dict[str, str], found: str, connect_as: Any) -> None:
    connect_as("ozon_warehouse", {"conn_type": "postgres", "host": "127.0.0.1", "password": KEY, "extra": extra})

    with pytest.raises(ConnectionSettingsError) as caught:
        warehouse_connect(WarehouseSettings())()

    assert "Connection ozon_warehouse: expected extra to be" in str(caught.value)
    assert found in str(caught.value)
    assert KEY not in str(caught.value)
