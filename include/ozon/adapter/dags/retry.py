"""What Airflow does after a failed try, by the class of the error."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from include.ozon.errors import AlreadyRunningError, FatalError, RateLimitedError

if TYPE_CHECKING:
    from airflow.sdk import Context

# A delay beyond what a date can hold breaks the scheduler; a run that waits for years keeps all later ones waiting.
LONGEST_WAIT_SECONDS = 3600.0


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
                seconds = max(0.0, min(exception.retry_after_seconds, LONGEST_WAIT_SECONDS))
                return RetryDecision.retry(timedelta(seconds=seconds), "Ozon said how long to wait")
            case _:
                return RetryDecision.default()
