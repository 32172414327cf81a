"""The retry policy: Airflow's reaction to a failed attempt, by the class of the error."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from include.ozon.errors import AlreadyRunningError, FatalError, RateLimitedError

if TYPE_CHECKING:
    from airflow.sdk import Context

# Too large a delay overflows a date and breaks the scheduler, and a waiting run blocks all later ones.
LONGEST_WAIT_SECONDS = 3600.0


class OzonRetryPolicy(RetryPolicy):
    """Fail at once if a person has to act, wait as long as Ozon asks, and otherwise use the task's own backoff.

    Airflow serializes only the fact that a task has a policy, so this class needs no serialization.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        match exception:
            case FatalError() | AlreadyRunningError():
                return RetryDecision.fail(f"{type(exception).__name__}: a retry would not help")
            case RateLimitedError():
                seconds = max(0.0, min(exception.retry_after_seconds, LONGEST_WAIT_SECONDS))
                return RetryDecision.retry(timedelta(seconds=seconds), "Ozon asked to wait")
            case _:
                return RetryDecision.default()
