"""Accounts with the same Client-Id."""

from __future__ import annotations

import pytest

from include.ozon.errors import ConfigurationError
from include.ozon.settings import check_distinct_client_ids


@pytest.mark.parametrize("client_ids", [{}, {"main": "1"}, {"main": "1", "second": "2"}])
def test_distinct_client_ids_pass(client_ids: dict[str, str]) -> None:
    check_distinct_client_ids(client_ids)


def test_shared_client_ids_are_named_by_account_and_not_shown() -> None:
    client_ids = {"main": "778899", "b": "2", "second": " 778899 ", "c": "2", "alone": "3"}

    with pytest.raises(ConfigurationError) as caught:
        check_distinct_client_ids(client_ids)

    first, second = str(caught.value).splitlines()
    assert first.startswith("The accounts b and c have the same Client-Id")
    assert second.startswith("The accounts main and second have the same Client-Id")
    assert "ozon_api_main, ozon_api_second" in second
    assert "778899" not in second
