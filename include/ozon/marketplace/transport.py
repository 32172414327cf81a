"""One request to the Seller API, with rate limit and retries."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import msgspec
import requests
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential_jitter,
)

from include.ozon.errors import BadDataError, MarketplaceUnavailableError, OzonError, RateLimitedError, RetriableError
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.decoding import NotJsonError
from include.ozon.marketplace.exchange import (
    BodyTooLargeError,
    Exchange,
    ExchangeStoppedError,
    ExchangeTimeoutError,
    HttpSession,
)
from include.ozon.marketplace.faults import FaultReader, GarbledAnswerError
from include.ozon.marketplace.pacer import Pacer, RateLimitBackoff
from include.ozon.settings import ApiSettings

T = TypeVar("T")

logger = logging.getLogger("ozon.marketplace")

USER_AGENT = "ozon-etl"
WORTH_ANOTHER_ATTEMPT = (MarketplaceUnavailableError, RateLimitedError, GarbledAnswerError)

_backoff = wait_exponential_jitter(multiplier=0.5, max=30, jitter=0.5)


class RequestStoppedError(OzonError):
    """A request was not sent, or its answer not awaited, because the ``stop`` event is set.

    This is not a failure: the code that sets the event raises its own error (CancelledError in the main thread) and
    ignores the exceptions of its worker threads from then on.
    """


@dataclass(frozen=True)
class RequestUsage:
    """The requests to the Seller API so far, of all threads together."""

    requests: int = 0
    """All requests sent, including retries."""
    retries: int = 0
    """Requests that repeated a failed one."""
    rate_limited: int = 0
    """Requests that Ozon refused because there were too many (429, or the method's circuit is open)."""
    wait_seconds: float = 0.0
    """Time spent waiting: for the rate limit and before retries."""


Observe = Callable[[Exchange], None]


class Transport:
    """A thread-safe sender of one account's requests, with one connection for each thread.

    Errors that a person has to fix are raised at once. Temporary ones are retried, with at most ``api.attempts``
    attempts and ``api.retry_budget_seconds`` of waits. A rate-limited request does not count as an attempt: Ozon
    refuses those within milliseconds, so only the budget limits them. ``observe`` is called with each answer.
    """

    def __init__(
        self,
        credentials: Credentials,
        api: ApiSettings,
        pacer: Pacer,
        stop: threading.Event | None,
        observe: Observe | None = None,
    ) -> None:
        self._credentials = credentials
        self._api = api
        self._pacer = pacer
        self._stop = stop or threading.Event()
        self._observe = observe
        self._faults = FaultReader(credentials, api.longest_retry_after_seconds)
        self._backoffs = RateLimitBackoff()
        self._lock = threading.Lock()
        self._idle_sessions: list[HttpSession] = []
        self._is_closed = False
        self._usage = RequestUsage()

    @property
    def usage(self) -> RequestUsage:
        return self._usage

    def close(self) -> None:
        """Close all connections; a busy one closes after its answer."""
        with self._lock:
            self._is_closed = True
            for session in self._idle_sessions:
                session.close()
            self._idle_sessions.clear()

    def call(
        self, path: str, body: dict[str, object], decode: Callable[[bytes], T], own_pacer: Pacer | None = None
    ) -> T:
        """POST ``body`` and return the decoded answer; ``own_pacer`` is the method's own rate limit.

        Raises a FatalError at once, a RetriableError after the last attempt, and RequestStoppedError. ``decode``
        raises NotJsonError for an answer that is worth a retry.
        """
        content = msgspec.json.encode(body)
        policy = _RetryPolicy(self._api)
        retrying = Retrying(
            retry=retry_if_exception_type(WORTH_ANOTHER_ATTEMPT),
            stop=policy.is_over,
            wait=_wait_seconds,
            sleep=self._sleep,
            before_sleep=partial(self._log_retry, policy),
            reraise=True,
        )
        try:
            answer: T = retrying(self._attempt, path, content, decode, own_pacer)
        except RetriableError as error:
            error.args = (f"{error} {policy.describe()}",)
            raise
        return answer

    def _attempt(self, path: str, content: bytes, decode: Callable[[bytes], T], own_pacer: Pacer | None) -> T:
        for pacer in (own_pacer, self._pacer):
            if pacer:
                self._count(wait_seconds=pacer.wait(self._stop))
        self._raise_if_stopped()
        self._count(requests=1)
        outcome = self._exchange(path, content, decode)
        if isinstance(outcome, RateLimitedError):
            self._count(rate_limited=1)
        if isinstance(outcome, OzonError):
            raise outcome
        return outcome

    def _exchange(self, path: str, content: bytes, decode: Callable[[bytes], T]) -> T | OzonError:
        """Send one request. An error is returned, not raised, so that its traceback contains no local variables.

        The exceptions of requests contain the headers with the key, and a server may send the key back in a body.
        """
        sent_at = time.monotonic()
        answer = self._send(path, content)
        if isinstance(answer, OzonError):
            return answer
        if self._observe:
            self._observe(answer)
        if not answer.is_success:
            return self._faults.of_answer(path, answer, partial(self._backoffs.next_wait_seconds, path, sent_at))
        self._backoffs.reset(path)
        try:
            return decode(answer.body)
        except NotJsonError as problem:
            return self._faults.of_body(path, answer, str(problem))
        except BadDataError as error:
            return error.with_traceback(None)

    def _send(self, path: str, content: bytes) -> Exchange | OzonError:
        seconds = self._api.exchange_timeout_seconds
        session = self._acquire_session()
        try:
            answer = session.exchange(self._credentials.base_url + path, content, seconds, self._stop)
        except ExchangeStoppedError:
            return _stopped()
        except ExchangeTimeoutError:
            return self._faults.of_timeout(path, seconds)
        except BodyTooLargeError:
            return self._faults.of_too_large(path)
        except requests.RequestException as failure:
            return self._faults.of_failure(path, failure)
        self._release_session(session)
        return answer

    def _acquire_session(self) -> HttpSession:
        with self._lock:
            if self._idle_sessions:
                return self._idle_sessions.pop()
        headers = {
            "Client-Id": self._credentials.client_id,
            "Api-Key": self._credentials.api_key,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": USER_AGENT,
        }
        return HttpSession(headers, (self._api.connect_timeout_seconds, self._api.read_timeout_seconds))

    def _release_session(self, session: HttpSession) -> None:
        with self._lock:
            if self._is_closed:
                session.close()
            else:
                self._idle_sessions.append(session)

    def _log_retry(self, policy: _RetryPolicy, state: RetryCallState) -> None:
        error = _error(state)
        rate_limited = isinstance(error, RateLimitedError)
        logger.log(
            logging.INFO if rate_limited else logging.WARNING,
            "%s %s The next attempt is in %.1f s.",
            error,
            policy.describe(),
            state.upcoming_sleep,
        )
        self._count(retries=1)
        if rate_limited:
            # The limit is the account's: all threads have to wait, or each of them hits it.
            self._pacer.pause(state.upcoming_sleep)

    def _sleep(self, seconds: float) -> None:
        started_at = time.monotonic()
        self._stop.wait(seconds)
        self._count(wait_seconds=time.monotonic() - started_at)
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise _stopped()

    def _count(self, requests: int = 0, retries: int = 0, rate_limited: int = 0, wait_seconds: float = 0.0) -> None:
        with self._lock:
            self._usage = replace(
                self._usage,
                requests=self._usage.requests + requests,
                retries=self._usage.retries + retries,
                rate_limited=self._usage.rate_limited + rate_limited,
                wait_seconds=self._usage.wait_seconds + wait_seconds,
            )


class _RetryPolicy:
    """The attempts of one request, and the decision whether to make another."""

    def __init__(self, api: ApiSettings) -> None:
        self._api = api
        self._attempts = 0
        self._refusals = 0
        self._is_refused = False

    def is_over(self, state: RetryCallState) -> bool:
        self._is_refused = isinstance(_error(state), RateLimitedError)
        if self._is_refused:
            self._refusals += 1
        else:
            self._attempts += 1
        # A refusal counts as at least one second, however short the requested wait.
        waiting_seconds = max(state.idle_for + state.upcoming_sleep, self._refusals)
        return self._attempts >= self._api.attempts or waiting_seconds > self._api.retry_budget_seconds

    def describe(self) -> str:
        if self._is_refused:
            budget_seconds = self._api.retry_budget_seconds
            return (
                f"This was refusal {self._refusals}; the limit of all waits is {budget_seconds:g} s "
                "(api.retry_budget_seconds)."
            )
        return f"This was attempt {self._attempts} of {self._api.attempts}."


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _stopped() -> RequestStoppedError:
    return RequestStoppedError("The run was cancelled; no further request is sent.")


def _wait_seconds(state: RetryCallState) -> float:
    error = _error(state)
    if isinstance(error, RateLimitedError):
        return error.retry_after_seconds
    return _backoff(state)
