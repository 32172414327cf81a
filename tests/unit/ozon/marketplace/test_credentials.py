from __future__ import annotations

import pickle

import pytest

from include.ozon.errors import ConnectionSettingsError
from include.ozon.marketplace.credentials import Credentials

GOOD = {
    "base_url": "https://api-seller.ozon.ru",
    "client_id": "123",
    "api_key": "the-key",
    "source": "ozon_api_main",
}


def test_good_credentials_are_not_changed() -> None:
    credentials = Credentials(**GOOD)
    assert (credentials.base_url, credentials.client_id, credentials.api_key, credentials.host) == (
        "https://api-seller.ozon.ru",
        "123",
        "the-key",
        "api-seller.ozon.ru",
    )


def test_a_slash_at_the_end_of_the_base_url_is_dropped() -> None:
    assert Credentials(**{**GOOD, "base_url": "http://127.0.0.1:8000/"}).base_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api-seller.ozon.ru",
        "ftp://api-seller.ozon.ru",
        "https://",
        "https://host:port",
        "https://host:99999",
        "https://host?x=1",
        "https://host#x",
        "https://ho st",
        "https://[::1",
    ],
)
def test_an_invalid_base_url_is_refused_with_connection_and_field(base_url: str) -> None:
    with pytest.raises(ConnectionSettingsError, match=r"ozon_api_main: expected host .*https://api-seller") as caught:
        Credentials(**{**GOOD, "base_url": base_url})
    assert repr(base_url) in str(caught.value)
    assert "AIRFLOW_CONN_OZON_API_MAIN" in str(caught.value)


def test_a_key_is_sent_unencrypted_only_to_this_machine_or_where_it_is_allowed() -> None:
    for refused in ("http://api-seller.ozon.ru", "http://10.0.0.5:8070", "http://localhost.example"):
        with pytest.raises(ConnectionSettingsError, match=r"https address.*\{\"allow_http\": true\}.*AIRFLOW_CONN_"):
            Credentials(**{**GOOD, "base_url": refused})
    for accepted in ("http://localhost:8070", "http://127.0.0.1:8070", "http://[::1]:8070"):
        Credentials(**{**GOOD, "base_url": accepted})
    Credentials(**{**GOOD, "base_url": "http://sandbox:8070"}, allow_http=True)


def test_a_password_in_the_base_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConnectionSettingsError, match="without a password") as caught:
        Credentials(**{**GOOD, "base_url": "https://user:hunter2@host"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("client_id", ["", "0", "-5", "12a", " 12", "1.5", "١٢"])
def test_a_client_id_that_is_not_a_positive_integer_is_refused(client_id: str) -> None:
    with pytest.raises(ConnectionSettingsError, match=r"ozon_api_main: expected login .*positive integer"):
        Credentials(**{**GOOD, "client_id": client_id})


@pytest.mark.parametrize("api_key", ["", "a key", "key\n", "ключ"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(api_key: str) -> None:
    with pytest.raises(ConnectionSettingsError, match="ozon_api_main: expected password") as caught:
        Credentials(**{**GOOD, "api_key": api_key})
    assert not api_key or api_key.strip() not in str(caught.value).replace("Api-Key", "")


def test_the_key_is_in_no_repr_and_in_no_pickle() -> None:
    credentials = Credentials(**GOOD)
    assert "the-key" not in repr(credentials) + str(credentials)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(credentials)


def test_the_key_is_removed_from_a_servers_text_in_any_case() -> None:
    assert Credentials(**GOOD).scrubbed("key THE-KEY, the-key.") == "key ***, ***."
