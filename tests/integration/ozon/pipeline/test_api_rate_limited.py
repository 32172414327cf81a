"""Rate-limited requests are counted in the record of their attempt."""

from __future__ import annotations

import pytest

from include.ozon.errors import RateLimitedError
from tests.support.pipeline import Pipeline, changed

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("fault", ["rate_limited", "circle_open"])
def test_rate_limited_requests_are_in_the_attempts_record(pipeline: Pipeline, fault: str) -> None:
    pipeline.settings = changed(pipeline.settings, "api", retry_budget_seconds=0)
    pipeline.sandbox.fault(fault)

    with pytest.raises(RateLimitedError):
        pipeline.products()

    (record,) = pipeline.attempts()
    assert record["status"] == "failed"
    # Another thread's request may still be running when the attempt ends.
    assert 1 <= record["api_rate_limited"] <= record["api_requests"]


def test_retries_are_in_the_attempts_record(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.ozon.marketplace.pacer.FIRST_WAIT_SECONDS", 0.001)
    pipeline.settings = changed(pipeline.settings, "api", attempts=5)
    pipeline.sandbox.fault("rate_limited", method="/v3/product/list", times=3, retry_after_seconds=0)
    pipeline.sandbox.fault("server_error", method="/v3/product/info/list", times=1)

    numbers = pipeline.products()

    (record,) = pipeline.attempts()
    assert (record["status"], record["api_retries"], record["api_rate_limited"]) == ("success", 4, 3)
    assert numbers.api_rate_limited == 3


def test_an_attempt_without_refusals_records_none(pipeline: Pipeline) -> None:
    pipeline.load()
    assert [row["api_rate_limited"] for row in pipeline.attempts() + pipeline.attempts("inventory_etl")] == [0, 0]
