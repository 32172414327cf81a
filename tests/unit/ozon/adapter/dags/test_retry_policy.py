"""The retry policy, by the class of the error."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from include.ozon import errors
from include.ozon.adapter.dags.retry import OzonRetryPolicy


def subclasses(kind: type[errors.OzonError]) -> list[type[errors.OzonError]]:
    return [kind, *(deeper for each in kind.__subclasses__() for deeper in subclasses(each))]


def evaluate(error: BaseException) -> tuple[RetryAction, timedelta | None]:
    decision = OzonRetryPolicy().evaluate(error, try_number=1, max_tries=3)
    return decision.action, decision.retry_delay


@pytest.mark.parametrize("kind", [*subclasses(errors.FatalError), errors.AlreadyRunningError])
def test_an_error_that_a_person_has_to_fix_is_not_retried(kind: type[errors.OzonError]) -> None:
    arguments = ("why", ()) if kind is errors.GuardStoppedError else ("why",)
    assert evaluate(kind(*arguments)) == (RetryAction.FAIL, None)


@pytest.mark.parametrize("seconds", [0.5, 1, 300])
def test_after_a_rate_limit_the_wait_is_the_one_that_ozon_asks_for(seconds: float) -> None:
    assert evaluate(errors.RateLimitedError("wait", seconds)) == (RetryAction.RETRY, timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [999_999_999, 1e300, math.inf, math.nan, -1, -math.inf])
def test_a_wait_that_no_calendar_has_can_be_scheduled(seconds: float) -> None:
    action, delay = evaluate(errors.RateLimitedError("wait", seconds))
    assert action is RetryAction.RETRY
    assert delay is not None
    now = datetime.now(UTC)
    assert now <= now + delay <= now + timedelta(hours=1)


@pytest.mark.parametrize(
    "error",
    [
        errors.MarketplaceUnavailableError("503"),
        errors.BadDataError("loops"),
        errors.WarehouseUnavailableError("gone"),
        TimeoutError(),
        KeyError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_everything_else_keeps_the_backoff_of_its_task(error: BaseException) -> None:
    assert evaluate(error) == (RetryAction.DEFAULT, None)
