"""The result of each fault: retried or not, and the final error."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ozon.errors import (
    AccessDeniedError,
    BadDataError,
    ConfigurationError,
    FatalError,
    MarketplaceUnavailableError,
    NotFoundError,
    ObsoleteMethodError,
    OzonError,
    RateLimitedError,
)
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.faults import InvalidRequestError, RoleMissingError, retry_after_seconds
from include.ozon.marketplace.pacer import LONGEST_WAIT_SECONDS
from include.ozon.marketplace.transport import RequestStoppedError
from include.ozon.settings import ApiSettings
from tests.support.scripted_server import Answer, Server
from tests.unit.ozon.marketplace.conftest import MakeClient

pytestmark = pytest.mark.faults

GOOD = Answer(body={"items": [{"id": 1, "offer_id": "x"}]})
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def refusal(status: int, message: str, code: int = 5) -> Answer:
    return Answer(status, {"code": code, "message": message, "details": []})


PERMANENT = [
    (400, "Client-Id header value should be positive integer", AccessDeniedError),
    (401, "Client-Id and Api-Key headers are required", AccessDeniedError),
    (403, "Api-Key is missing a required role for a method", RoleMissingError),
    (403, "Offer not signed", AccessDeniedError),
    (403, "Api-Key is restricted to specific IP addresses", AccessDeniedError),
    (404, "Invalid Api-Key, please check the key and try again", AccessDeniedError),
    (400, "Api-key is deactivated, use another one or generate a new one", AccessDeniedError),
    (404, "page not found", ConfigurationError),
    (404, "Not Found", ConfigurationError),
    (404, "stocks not found", NotFoundError),
    (404, "Warehouse not found", NotFoundError),
    (400, "WAREHOUSE_NOT_FOUND", NotFoundError),
    (403, "Company is blocked, please contact support", AccessDeniedError),
    (403, "The method needs a Premium Plus subscription", AccessDeniedError),
    (400, "obsolete method cannot be used", ObsoleteMethodError),
    (400, "Invalid request body", InvalidRequestError),
    (413, "too much", InvalidRequestError),
    (410, "obsolete method cannot be used", ObsoleteMethodError),
]


@pytest.mark.parametrize(("status", "message", "kind"), PERMANENT)
def test_a_fault_that_a_person_has_to_fix_is_raised_at_once(
    server: Server, make_client: MakeClient, status: int, message: str, kind: type[FatalError]
) -> None:
    server.answers = [refusal(status, message), GOOD]
    with pytest.raises(FatalError) as caught:
        make_client().product_details([1])
    assert type(caught.value) is kind
    assert f'/v3/product/info/list answered HTTP {status} "{message}"' in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"code": "WAREHOUSE_NOT_FOUND", "message": "no"},
        {"code": 3, "message": "no", "details": [{"reason": "WAREHOUSE_NOT_FOUND"}]},
    ],
)
def test_a_warehouse_may_be_unknown_in_code_or_details(server: Server, make_client: MakeClient, body: Any) -> None:
    server.answers = [Answer(400, body)]
    with pytest.raises(NotFoundError, match="does not know the requested object"):
        make_client().product_details([1])


@pytest.mark.parametrize("body", [HTML, b"", b"[]", {"error": "nothing here"}, {"message": "no Route matched"}])
def test_a_404_that_is_not_of_the_api_is_a_wrong_url(server: Server, make_client: MakeClient, body: Any) -> None:
    server.answers = [Answer(404, body)]
    with pytest.raises(ConfigurationError, match="check the host of connection ozon_api_main"):
        make_client().product_details([1])


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("Company is blocked", "Ozon has blocked the company of Client-Id 101.*new one does not help.*support"),
        ("Offer not signed", "new one does not help; sign the offer"),
        (
            "Api-Key is restricted to specific IP addresses",
            "new one does not help.*allow this machine's public IP address",
        ),
        ("Available with the Premium subscription", "new one does not help; subscribe"),
    ],
)
def test_a_refusal_that_a_new_key_does_not_solve_says_what_does(
    server: Server, make_client: MakeClient, message: str, advice: str
) -> None:
    server.answers = [refusal(403, message, code=7)]
    with pytest.raises(AccessDeniedError, match=advice) as caught:
        make_client().product_details([1])
    assert "make a new key" not in str(caught.value)


@pytest.mark.parametrize("message", ["You have reached request rate limit per second", "Circle is open"])
def test_rate_limited_requests_are_counted(server: Server, make_client: MakeClient, message: str) -> None:
    too_many = Answer(429, {"code": 8, "message": message}, {"Retry-After": "0.01"})
    server.answers = [refusal(500, "Internal Server Error"), too_many]
    client = make_client(attempts=2, retry_budget_seconds=0.5)
    with pytest.raises(RateLimitedError):
        client.product_details([1])
    assert (client.usage.requests, client.usage.retries, client.usage.rate_limited) == (2, 1, 1)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_says_what_to_check(server: Server, make_client: MakeClient, status: int) -> None:
    server.answers = [refusal(status, "Invalid Api-Key")]
    with pytest.raises(AccessDeniedError, match=r"Client-Id 101 .*connection ozon_api_main"):
        make_client().product_details([1])


def test_a_wrong_url_names_the_url_and_the_connection(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(404, HTML)]
    with pytest.raises(ConfigurationError, match=f"The request went to {server.url}.*host of connection ozon_api_main"):
        make_client().product_details([1])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server: Server, make_client: MakeClient, status: int) -> None:
    server.answers = [Answer(status, headers={"Location": f"{server.url}/elsewhere"}), GOOD]
    with pytest.raises(ConfigurationError, match=f"redirects to {server.url}/elsewhere"):
        make_client().product_details([1])
    assert len(server.asked) == 1


PASSING = [
    Answer(408, {"message": "timeout"}),
    Answer(500, {"code": 13, "message": "Internal Server Error"}),
    Answer(403, HTML, {"Content-Type": "text/html"}),
    Answer(403),
    Answer(409, {"code": 10, "message": "conflict"}),
    Answer(502, HTML, {"Content-Type": "text/html"}),
    Answer(503, HTML, {"Content-Type": "text/html"}),
    Answer(504, HTML, {"Content-Type": "text/html"}),
    Answer(429, {"code": 8, "message": "You have reached request rate limit per second"}, {"Retry-After": "0.01"}),
    Answer(400, {"message": "You have reached request rate limit per second"}, {"Retry-After": "0.01"}),
    Answer(400, {"code": 8, "message": "too many"}, {"Retry-After": "0.01"}),
    Answer(lost="before"),
    Answer(body={"items": [{"id": 1, "offer_id": "x" * 400}]}, lost="within"),
    Answer(body=b'{"items": [{"id": 1'),
    Answer(body=b"<html>not JSON</html>"),
    Answer(body=b""),
    Answer(204),
    Answer(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
]


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_a_short_fault_is_invisible_to_the_caller(server: Server, make_client: MakeClient, fault: Answer) -> None:
    server.answers = [fault, fault, GOOD]
    client = make_client()
    assert [item.id for item in client.product_details([1]).items] == [1]
    assert (client.usage.requests, client.usage.retries) == (3, 2)
    assert client.usage.wait_seconds > 0


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (Answer(502, HTML), MarketplaceUnavailableError, 'HTTP 502 "502 Bad Gateway nginx"'),
        (Answer(lost="before"), MarketplaceUnavailableError, "broke before the answer was complete"),
        (Answer(body=b"{" * 500, lost="within"), MarketplaceUnavailableError, "broke before the answer was complete"),
        (Answer(body=b'{"items": ['), BadDataError, "11 bytes that are not complete JSON"),
        (Answer(body=b"not gzip", headers={"Content-Encoding": "gzip"}), MarketplaceUnavailableError, "decompressed"),
    ],
    ids=str,
)
def test_a_permanent_fault_is_raised_after_the_last_attempt(
    server: Server, make_client: MakeClient, fault: Answer, kind: type[OzonError], message: str
) -> None:
    server.answers = [fault]
    with pytest.raises(kind) as caught:
        make_client(attempts=2).product_details([1])
    assert message in str(caught.value)
    assert str(caught.value).startswith("/v3/product/info/list")
    assert str(caught.value).endswith("This was attempt 2 of 2.")
    assert len(server.asked) == 2


def test_a_gzip_answer_is_read(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body=gzip.compress(GOOD.content), headers={"Content-Encoding": "gzip"})]
    assert len(make_client().product_details([1]).items) == 1


def test_unexpected_json_is_requested_again(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"result": []}), GOOD]
    assert make_client().product_details([1]).items
    assert len(server.asked) == 2


def rate_limited(retry_after: str | None, message: str = "You have reached request rate limit per second") -> Answer:
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    return Answer(429, {"code": 8, "message": message}, headers)


def test_a_wait_within_the_budget_is_respected(server: Server, make_client: MakeClient) -> None:
    server.answers = [rate_limited("0.4"), GOOD]
    client = make_client()
    client.product_details([1])
    first, second = (asked.arrived_at for asked in server.asked)
    assert second - first >= 0.4
    assert client.usage.wait_seconds >= 0.4


def test_the_other_threads_wait_too(server: Server, make_client: MakeClient) -> None:
    server.answers = [rate_limited("0.5"), GOOD]
    client = make_client(requests_per_second=50)
    limited = threading.Thread(target=client.product_details, args=([1],))
    limited.start()
    while client.usage.retries == 0:
        threading.Event().wait(0.005)
    client.product_details([2])
    limited.join()
    first, *others = (asked.arrived_at for asked in server.asked)
    assert min(others) - first >= 0.4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), (" 7.5 ", 7.5), ("Wed, 01 Jan 2020 00:00:00 GMT", 1), (None, 1), ("soon", 1), ("-5", 1), ("0", 1)],
)
def test_a_wait_beyond_the_budget_is_raised(
    server: Server, make_client: MakeClient, header: str | None, seconds: float
) -> None:
    server.answers = [rate_limited(header)]
    with pytest.raises(RateLimitedError, match=f"after {seconds:g} seconds") as caught:
        make_client(retry_budget_seconds=0).product_details([1])
    assert caught.value.retry_after_seconds == seconds
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "header",
    [
        "999999999",
        "9" * 400,
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "3601",
    ],
)
@pytest.mark.parametrize("message", ["You have reached request rate limit per second", "Circle is open"])
def test_a_wait_is_capped(server: Server, make_client: MakeClient, header: str, message: str) -> None:
    server.answers = [rate_limited(header, message)]
    with pytest.raises(RateLimitedError) as caught:
        make_client().roles()
    assert caught.value.retry_after_seconds == 3600
    with pytest.raises(RateLimitedError) as caught:
        make_client(longest_retry_after_seconds=900).roles()
    assert caught.value.retry_after_seconds == 900


@given(
    header=st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=126)),
        st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,2} Dec [0-9]{1,5} [0-9:]{1,9} ([+-][0-9]{1,6}|GMT|)", fullmatch=True),
    )
)
@example("Wed, 01 Jan 2020 00:00:00 -2359")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("-5")
@example("1e400")
@example("0x10")
def test_any_header_is_a_wait_or_none(header: str) -> None:
    seconds = retry_after_seconds(header)
    assert seconds is None or seconds >= 0


def test_refusals_do_not_count_as_attempts_and_wait_longer_each_time(
    server: Server, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.ozon.marketplace.pacer.FIRST_WAIT_SECONDS", 0.05)
    server.answers = [*[rate_limited(None)] * 4, GOOD, rate_limited(None), GOOD]
    client = make_client(attempts=1)
    client.product_details([1])
    moments = [asked.arrived_at for asked in server.asked]
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert all(wait >= 0.05 * 2**n for n, wait in enumerate(waits))
    client.product_details([1])
    again, last = (asked.arrived_at for asked in server.asked[-2:])
    assert 0.05 <= last - again < 0.35


def test_a_minute_of_refusals_without_retry_after_is_within_the_default_budget() -> None:
    patience = 0.0
    waits = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_WAIT_SECONDS]
    for wait in waits:
        if patience >= 60:
            break
        patience += wait
    assert 60 <= patience <= ApiSettings().retry_budget_seconds


def test_endless_refusals_use_exactly_the_budget(server: Server, make_client: MakeClient) -> None:
    server.answers = [rate_limited("0.001")]
    client = make_client(retry_budget_seconds=3)
    with pytest.raises(RateLimitedError, match=r"This was refusal 4; the limit of all waits is 3 s"):
        client.product_details([1])
    assert client.usage.requests == 4


def test_a_wait_may_be_a_date(server: Server, make_client: MakeClient) -> None:
    server.answers = [rate_limited(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))]
    with pytest.raises(RateLimitedError) as caught:
        make_client().product_details([1])
    assert 3500 < caught.value.retry_after_seconds <= 3600


@pytest.mark.parametrize("status", [403, 429, 500])
def test_an_open_circuit_asks_for_minutes(server: Server, make_client: MakeClient, status: int) -> None:
    server.answers = [Answer(status, {"code": 8, "message": "Circle is open"})]
    with pytest.raises(RateLimitedError, match="5 minutes") as caught:
        make_client().product_details([1])
    assert caught.value.retry_after_seconds == 300
    assert len(server.asked) == 1


def test_a_closed_port(make_client: MakeClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        client = make_client(other=Credentials(f"http://127.0.0.1:{port}", "1", "k", "ozon_api_second"), attempts=2)
        with pytest.raises(MarketplaceUnavailableError, match=f"127.0.0.1:{port} refuses connections.*ozon_api_second"):
            client.product_details([1])


def test_an_unknown_host(make_client: MakeClient) -> None:
    client = make_client(other=Credentials("https://nowhere.invalid", "1", "k", "ozon_api_second"), attempts=1)
    with pytest.raises(MarketplaceUnavailableError, match=r"nowhere\.invalid cannot be resolved.*ozon_api_second"):
        client.product_details([1])


def test_silence(make_client: MakeClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        credentials = Credentials(f"http://127.0.0.1:{port}", "1", "k", "ozon_api_main")
        client = make_client(other=credentials, attempts=1, read_timeout_seconds=0.1)
        with pytest.raises(MarketplaceUnavailableError, match=r"longer than api\.read_timeout_seconds"):
            client.product_details([1])


def test_https_where_only_http_is_spoken(server: Server, make_client: MakeClient) -> None:
    other = Credentials(server.url.replace("http:", "https:"), "1", "k", "ozon_api_main")
    with pytest.raises(FatalError, match=r"does not speak TLS.*ozon_api_main"):
        make_client(other=other).product_details([1])


def test_a_retry_is_logged_with_method_and_attempt(
    server: Server, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ozon.marketplace")
    server.answers = [Answer(502, HTML), rate_limited("0.01"), GOOD]
    make_client().product_details([1])
    fault, limit = caplog.records
    assert (fault.levelname, limit.levelname) == ("WARNING", "INFO")
    assert fault.message.startswith("/v3/product/info/list answered HTTP 502")
    assert "This was attempt 1 of 3." in fault.message
    assert "This was refusal 1;" in limit.message


def test_stop_ends_a_wait_before_a_retry(server: Server, make_client: MakeClient) -> None:
    stop = threading.Event()
    server.answers = [rate_limited("30"), GOOD]
    client = make_client(stop=stop)
    raised: list[BaseException] = []

    def send_request() -> None:
        try:
            client.product_details([1])
        except OzonError as error:
            raised.append(error)

    thread = threading.Thread(target=send_request, daemon=True)
    thread.start()
    while client.usage.retries == 0:
        threading.Event().wait(0.005)
    stop.set()
    thread.join(timeout=10)
    assert [type(error) for error in raised] == [RequestStoppedError]
    assert len(server.asked) == 1


def test_no_request_is_sent_after_stop(server: Server, make_client: MakeClient) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(RequestStoppedError):
        make_client(stop=stop).product_details([1])
    assert server.asked == []
