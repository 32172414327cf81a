"""One request to the Seller API: paced, sent, and sent again after a short fault."""

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
    Line,
)
from include.ozon.marketplace.faults import FaultReader, GarbledAnswerError
from include.ozon.marketplace.pacer import Pacer, RefusalWaits
from include.ozon.settings import ApiSettings

T = TypeVar("T")

logger = logging.getLogger("ozon.marketplace")

USER_AGENT = "ozon-etl"
WORTH_ANOTHER_ATTEMPT = (MarketplaceUnavailableError, RateLimitedError, GarbledAnswerError)

_backoff = wait_exponential_jitter(multiplier=0.5, max=30, jitter=0.5)


class RequestStoppedError(OzonError):
    """A request was not made, or not waited for, because the ``stop`` event is set.

    No failure: whoever sets the event knows why and tells so itself (CancelledError in the main thread), and
    ignores what its worker threads raise from then on.
    """


@dataclass(frozen=True)
class RequestUsage:
    """What was asked of the Seller API so far, all threads together."""

    requests: int = 0
    """Every request sent, repeated ones too."""
    retries: int = 0
    """How many of them repeated a failed one."""
    rate_limited: int = 0
    """How many of them Ozon refused because there were too many (429, or the method's circuit is open)."""
    wait_seconds: float = 0.0
    """Time spent not asking: for the limit of requests a second, and before retries."""


Observe = Callable[[Exchange], None]


class Transport:
    """Sends requests of one account from any number of threads, each on a connection of its own.

    Everything a person has to fix is raised at once; what may pass is tried again, ``api.attempts`` times and
    with at most ``api.retry_budget_seconds`` of waiting in between. A refusal as one too many is no attempt: Ozon
    answers those within milliseconds, so only the budget counts. ``observe`` is given each answer that came.
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
        self._refusal_waits = RefusalWaits()
        self._lock = threading.Lock()
        self._idle_lines: list[Line] = []
        self._is_closed = False
        self._usage = RequestUsage()

    @property
    def usage(self) -> RequestUsage:
        return self._usage

    def close(self) -> None:
        """Close all connections. One that is still waiting for its answer closes when it has it."""
        with self._lock:
            self._is_closed = True
            for line in self._idle_lines:
                line.close()
            self._idle_lines.clear()

    def call(
        self, path: str, body: dict[str, object], decode: Callable[[bytes], T], own_pacer: Pacer | None = None
    ) -> T:
        """POST ``body`` and return what ``decode`` makes of the answer; ``own_pacer`` is the method's own limit.

        Raises FatalError's subclasses at once, RetriableError's after the last attempt, and RequestStoppedError.
        ``decode`` raises NotJsonError for an answer worth asking for again.
        """
        content = msgspec.json.encode(body)
        patience = _Patience(self._api)
        retrying = Retrying(
            retry=retry_if_exception_type(WORTH_ANOTHER_ATTEMPT),
            stop=patience.is_over,
            wait=_wait_seconds,
            sleep=self._sleep,
            before_sleep=partial(self._announce_retry, patience),
            reraise=True,
        )
        try:
            answer: T = retrying(self._attempt, path, content, decode, own_pacer)
        except RetriableError as error:
            error.args = (f"{error} {patience.describe()}",)
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
        """Send one request. An error is returned, not raised, so that its traceback holds nothing from in here.

        What requests raises has the headers with the key in it, and a server may send the key back in a body.
        """
        sent_at = time.monotonic()
        answer = self._send(path, content)
        if isinstance(answer, OzonError):
            return answer
        if self._observe:
            self._observe(answer)
        if not answer.is_success:
            return self._faults.of_answer(path, answer, partial(self._refusal_waits.refused, path, sent_at))
        self._refusal_waits.answered(path)
        try:
            return decode(answer.body)
        except NotJsonError as problem:
            return self._faults.of_body(path, answer, str(problem))
        except BadDataError as error:
            return error.with_traceback(None)

    def _send(self, path: str, content: bytes) -> Exchange | OzonError:
        seconds = self._api.exchange_timeout_seconds
        line = self._take_line()
        try:
            answer = line.exchange(self._credentials.base_url + path, content, seconds, self._stop)
        except ExchangeStoppedError:
            return _stopped()
        except ExchangeTimeoutError:
            return self._faults.of_timeout(path, seconds)
        except BodyTooLargeError:
            return self._faults.of_too_large(path)
        except requests.RequestException as failure:
            return self._faults.of_failure(path, failure)
        self._give_back(line)
        return answer

    def _take_line(self) -> Line:
        with self._lock:
            if self._idle_lines:
                return self._idle_lines.pop()
        headers = {
            "Client-Id": self._credentials.client_id,
            "Api-Key": self._credentials.api_key,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": USER_AGENT,
        }
        return Line(headers, (self._api.connect_timeout_seconds, self._api.read_timeout_seconds))

    def _give_back(self, line: Line) -> None:
        with self._lock:
            if self._is_closed:
                line.close()
            else:
                self._idle_lines.append(line)

    def _announce_retry(self, patience: _Patience, state: RetryCallState) -> None:
        error = _error(state)
        rate_limited = isinstance(error, RateLimitedError)
        logger.log(
            logging.INFO if rate_limited else logging.WARNING,
            "%s %s The next attempt is in %.1f s.",
            error,
            patience.describe(),
            state.upcoming_sleep,
        )
        self._count(retries=1)
        if rate_limited:
            # The limit is the account's: all threads have to wait, or each runs into it for itself.
            self._pacer.hold(state.upcoming_sleep)

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


class _Patience:
    """How often one request was tried, and whether it is worth another attempt."""

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
        # A refusal costs a second at least, however short a wait the answer asks for.
        waiting_seconds = max(state.idle_for + state.upcoming_sleep, self._refusals)
        return self._attempts >= self._api.attempts or waiting_seconds > self._api.retry_budget_seconds

    def describe(self) -> str:
        if self._is_refused:
            budget_seconds = self._api.retry_budget_seconds
            return (
                f"This was refusal {self._refusals}; up to {budget_seconds:g} s are waited (api.retry_budget_seconds)."
            )
        return f"This was attempt {self._attempts} of {self._api.attempts}."


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _stopped() -> RequestStoppedError:
    return RequestStoppedError("The run was told to stop; no further request is made.")


def _wait_seconds(state: RetryCallState) -> float:
    error = _error(state)
    if isinstance(error, RateLimitedError):
        return error.retry_after_seconds
    return _backoff(state)
