"""What Airflow does after a failed try, by the class of the error."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from include.ozon.errors import AlreadyRunningError, FatalError, RateLimitedError

if TYPE_CHECKING:
    from airflow.sdk import Context


class OzonRetryPolicy(RetryPolicy):
    """Fails at once where a person has to act, waits as long as Ozon says, and else keeps the task's own backoff.

    Only the fact that a task has a policy is serialized, so this class needs no form of its own for that.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        match exception:
            case FatalError() | AlreadyRunningError():
                return RetryDecision.fail(f"{type(exception).__name__}: trying again would not help")
            case RateLimitedError():
                delay = timedelta(seconds=exception.retry_after_seconds)
                return RetryDecision.retry(delay, "Ozon said how long to wait")
            case _:
                return RetryDecision.default()
