"""Answers other than 200: temporary ones are retried, permanent ones name their cause."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from include.ozon.errors import (
    AccessDeniedError,
    BadDataError,
    FatalError,
    MarketplaceUnavailableError,
    ObsoleteMethodError,
    RateLimitedError,
    RetriableError,
)
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline, changed

pytestmark = pytest.mark.faults

LIST, STOCKS, WAREHOUSE_STOCKS = "/v3/product/list", "/v4/product/info/stocks", "/v1/product/info/warehouse/stocks"
METHODS = {"product_etl": LIST, "inventory_etl": STOCKS}

PASSING: dict[str, tuple[str, dict[str, Any]]] = {
    "a robot check": ("html_forbidden", {}),
    "a conflict": ("conflict", {}),
    "an error page of brackets": ("error_page", {}),
    "a body that unpacks to more than it may": ("gzip_bomb", {"megabytes": 65}),
    "the limit's message with status 400": ("rate_limited", {"status": 400, "retry_after_seconds": None}),
    "a refusal without a time": ("rate_limited", {"retry_after_seconds": None}),
}


@pytest.mark.parametrize("component", METHODS)
@pytest.mark.parametrize("case", PASSING)
def test_temporary_faults_are_retried_invisibly(pipeline: Pipeline, component: str, case: str) -> None:
    name, params = PASSING[case]
    pipeline.settings = changed(pipeline.settings, "api", attempts=3)
    pipeline.sandbox.fault(name, method=METHODS[component], times=1, **params)

    assert pipeline.load() == "success"

    assert_agreement(pipeline)
    (record,) = pipeline.attempts(component)
    assert record["api_retries"] == 1


LASTING: dict[str, tuple[str, dict[str, Any], type[FatalError], str]] = {
    "a blocked company": ("company_blocked", {}, AccessDeniedError, "Ozon has blocked the company of Client-Id"),
    "a key of other addresses": ("address_restricted", {}, AccessDeniedError, "a new one does not help as long as"),
    "no subscription": ("subscription_needed", {}, AccessDeniedError, "only for sellers with a subscription"),
    "no signed offer": ("offer_not_signed", {}, AccessDeniedError, "sign the offer"),
    "a removed method": ("method_obsolete", {}, ObsoleteMethodError, "has removed this method"),
    "a removed method, as 400": ("method_obsolete", {"status": 400}, ObsoleteMethodError, "has removed this method"),
}


@pytest.mark.parametrize("component", METHODS)
@pytest.mark.parametrize("case", LASTING)
def test_permanent_faults_are_requested_once_and_name_their_cause(
    pipeline: Pipeline, component: str, case: str
) -> None:
    name, params, kind, words = LASTING[case]
    pipeline.settings = changed(pipeline.settings, "api", attempts=3)
    if component == "inventory_etl":
        pipeline.products()
    pipeline.sandbox.fault(name, method=METHODS[component], **params)

    with pytest.raises(kind, match=words) as found:
        (pipeline.products if component == "product_etl" else pipeline.inventory)()

    assert pipeline.end() == "failed"
    (record,) = pipeline.attempts(component)
    assert (record["status"], record["error"], record["api_retries"]) == ("failed", str(found.value), 0)
    assert pipeline.workflow()["error"] is not None
    assert "make a new key" not in str(found.value)
    assert pipeline.sandbox.accounts["main"].api_key not in str(found.value)


@pytest.mark.long
@pytest.mark.parametrize("status", [400, 429])
def test_refusals_without_retry_after_are_not_limited_by_attempts(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("include.ozon.marketplace.pacer.FIRST_WAIT_SECONDS", 0.1)
    pipeline.settings = changed(pipeline.settings, "api", attempts=1, concurrent_requests=4, retry_budget_seconds=20)
    pipeline.sandbox.fault("rate_limited", seconds=2.0, retry_after_seconds=None, status=status)

    assert pipeline.load() == "success"

    assert_agreement(pipeline)
    (record,) = pipeline.attempts()
    # 0.1, 0.2, 0.4, 0.8 and 1.6 seconds; each of four threads may be refused each time.
    assert 5 <= record["api_rate_limited"] <= 20


def test_a_wait_of_years_is_capped_to_an_hour(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("rate_limited", retry_after_seconds=999_999_999)

    with pytest.raises(RateLimitedError) as found:
        pipeline.products()

    assert found.value.retry_after_seconds == 3600


LIMITS: dict[str, tuple[str, dict[str, Any], type[RetriableError], str]] = {
    "an error page of brackets": ("error_page", {"count": 400_000}, MarketplaceUnavailableError, "HTTP 502"),
    "gzip that unpacks to a thousand times its size": ("gzip_bomb", {}, BadDataError, "more than 64 MB"),
    "a body that drips": ("dripping", {}, MarketplaceUnavailableError, "did not complete its answer within 1 s"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_an_endless_answer_fails_the_attempt_soon(pipeline: Pipeline, case: str) -> None:
    name, params, kind, words = LIMITS[case]
    limits = {"connect_timeout_seconds": 1, "read_timeout_seconds": 1, "exchange_timeout_seconds": 1}
    pipeline.settings = changed(pipeline.settings, "api", **(limits if name == "dripping" else {}))
    pipeline.sandbox.fault(name, method=LIST, **params)
    started_at = time.monotonic()

    with pytest.raises(kind, match=words):
        pipeline.products()

    assert time.monotonic() - started_at < 8
    pipeline.sandbox.clear_faults()
    assert pipeline.load() == "success"


def test_an_ended_attempt_leaves_no_running_exchange(pipeline: Pipeline) -> None:
    """The list drips while the other thread's request fails; the exchange ends with the attempt."""
    pipeline.settings = changed(pipeline.settings, "api", concurrent_requests=4)
    pipeline.sandbox.fault("dripping", method=LIST, after=1)
    pipeline.sandbox.fault("company_blocked", method="/v3/product/info/list")

    with pytest.raises(AccessDeniedError):
        pipeline.products()

    end_at = time.monotonic() + 3
    while any(thread.name == "ozon-exchange" for thread in threading.enumerate()):
        assert time.monotonic() < end_at
        time.sleep(0.05)


@pytest.mark.parametrize("method", [LIST, STOCKS, "/v2/warehouse/list", WAREHOUSE_STOCKS])
def test_a_list_with_new_cursors_to_the_same_page_ends(pipeline: Pipeline, method: str) -> None:
    pipeline.products()
    pipeline.settings = changed(changed(pipeline.settings, "api", page_size=20), "inventory", seller_warehouses=True)
    pipeline.sandbox.reset_counters()
    pipeline.sandbox.fault("looping_mark", method=method, length=0)

    with pytest.raises(BadDataError, match=r"goes in circles: its last 10 pages"):
        (pipeline.products if method == LIST else pipeline.inventory)(*(["next"] if method == LIST else []))

    assert pipeline.requests()[method] < 60
