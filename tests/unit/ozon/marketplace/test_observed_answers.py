"""The client's ``observe``: each raw answer."""

from __future__ import annotations

import pytest

from include.ozon.errors import OzonError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.exchange import Exchange
from include.ozon.settings import ApiSettings
from tests.support.scripted_server import Answer, Server


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"items": [{"id": 1}]}),
        Answer(403, {"code": 7, "message": "no"}),
        Answer(200, b"<html>", {"Server": "edge"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.content[:6]}",
)
def test_each_answer_is_observed_before_it_is_decoded(server: Server, credentials: Credentials, answer: Answer) -> None:
    server.answers = [answer]
    seen: list[Exchange] = []
    with SellerClient(credentials, ApiSettings(attempts=1), observe=seen.append) as client:
        try:
            client.product_details([1])
        except OzonError:
            assert answer.content != b'{"items": [{"id": 1}]}'

    (exchange,) = seen
    assert (exchange.status, exchange.body) == (answer.status, answer.content)
    assert exchange.headers["Content-Type"] == "application/json"
    assert 0 < exchange.seconds < 5
    assert repr(answer.content) not in repr(exchange)


def test_a_request_without_an_answer_is_not_observed(server: Server, credentials: Credentials) -> None:
    server.answers = [Answer(lost="before")]
    seen: list[Exchange] = []
    with (
        SellerClient(credentials, ApiSettings(attempts=1), observe=seen.append) as client,
        pytest.raises(OzonError),
    ):
        client.product_details([1])
    assert seen == []
