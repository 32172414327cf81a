"""Limits: a sliding second, on the test's own clock."""

from __future__ import annotations

from typing import Any

from include.ozon_sandbox.config import Account, Config
from include.ozon_sandbox.errors import ApiError
from include.ozon_sandbox.limits import ANALYTICS_STOCKS, Limits

LIST = "/v3/product/list"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Clock, **options: Any) -> Limits:
    account = Account(client_id="1", api_key="none", size=1)
    return Limits(Config(state="", accounts={"main": account}, **options), clock)


def refusal(subject: Limits, path: str = LIST, client_id: str = "1") -> ApiError | None:
    try:
        subject.admit(client_id, path)
    except ApiError as error:
        return error
    return None


def test_the_fifty_first_request_within_any_second_is_refused() -> None:
    clock = Clock()
    subject = limits(clock)
    for _ in range(25):
        assert refusal(subject) is None
    clock.now += 0.9
    for _ in range(25):
        assert refusal(subject) is None
    assert subject.remaining("1") == 0
    error = refusal(subject)
    assert error is not None
    assert (error.status, error.code, error.headers) == (429, 8, {"Retry-After": "1"})
    assert error.message == "You have reached request rate limit per second"

    clock.now += 0.1
    assert subject.remaining("1") == 25, "a fixed window would give all 50 back, or none"
    assert refusal(subject) is None


def test_each_client_id_has_its_own_limit() -> None:
    subject = limits(Clock(), rate_limit_per_second=1)
    assert refusal(subject, client_id="1") is None
    assert refusal(subject, client_id="2") is None
    assert refusal(subject, client_id="1") is not None


def test_the_busiest_second_counts_refused_requests_too() -> None:
    clock = Clock()
    subject = limits(clock, rate_limit_per_second=2)
    for _ in range(5):
        refusal(subject)
        clock.now += 0.25
    assert subject.busiest_seconds() == {"1": 4}
    subject.reset_busiest_seconds()
    clock.now += 5
    refusal(subject)
    assert subject.busiest_seconds() == {"1": 1}


def test_analytics_stocks_is_limited_more_strictly() -> None:
    clock = Clock()
    subject = limits(clock, analytics_seconds_between_requests=3.0)
    assert refusal(subject, ANALYTICS_STOCKS) is None
    assert refusal(subject, LIST) is None
    clock.now += 1.5
    error = refusal(subject, ANALYTICS_STOCKS)
    assert error is not None
    assert error.headers == {"Retry-After": "2"}
    clock.now += 1.5
    assert refusal(subject, ANALYTICS_STOCKS) is None


def test_only_an_overused_method_is_blocked_for_minutes() -> None:
    clock = Clock()
    subject = limits(clock, rate_limit_per_second=1, circuit_refusals=3, circuit_open_seconds=120)
    for _ in range(4):
        refusal(subject)
    clock.now += 60
    error = refusal(subject)
    assert error is not None
    assert (error.status, error.message, error.headers) == (429, "Circle is open", {})
    assert refusal(subject, "/v1/roles") is None
    clock.now += 61
    assert refusal(subject) is None
