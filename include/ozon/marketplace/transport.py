"""One request to the Seller API: paced, sent, and sent again after a short fault."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec
import requests
import requests.adapters
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential_jitter,
)

from include.ozon.errors import BadDataError, MarketplaceUnavailableError, OzonError, RateLimitedError, RetriableError
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.decoding import NotJsonError
from include.ozon.marketplace.faults import FaultReader, GarbledAnswerError
from include.ozon.marketplace.pacer import Pacer
from include.ozon.settings import ApiSettings

T = TypeVar("T")

logger = logging.getLogger("ozon.marketplace")

USER_AGENT = "ozon-etl"
# By itself requests reads in pieces of 10 kB, which takes longer than all else it does for a page (measured).
READ_BYTES_COUNT = 1_000_000
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


@dataclass(frozen=True)
class Exchange:
    """An answer as it came, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float


Observe = Callable[[Exchange], None]


class Transport:
    """Sends requests of one account from any number of threads, each on a connection of its own.

    Everything a person has to mend is raised at once; what may pass is tried again, ``api.attempts`` times and
    with at most ``api.retry_budget_seconds`` of waiting in between. ``observe`` is given each complete answer.
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
        self._faults = FaultReader(credentials)
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []
        self._usage = RequestUsage()

    @property
    def usage(self) -> RequestUsage:
        return self._usage

    def close(self) -> None:
        """Close all connections. One that is still waiting for its answer closes when it has it."""
        with self._lock:
            for session in self._sessions:
                session.close()

    def call(
        self, path: str, body: dict[str, object], decode: Callable[[bytes], T], own_pacer: Pacer | None = None
    ) -> T:
        """POST ``body`` and return what ``decode`` makes of the answer; ``own_pacer`` is the method's own limit.

        Raises FatalError's subclasses at once, RetriableError's after the last attempt, and RequestStoppedError.
        ``decode`` raises NotJsonError for an answer worth asking for again.
        """
        content = msgspec.json.encode(body)
        retrying = Retrying(
            retry=retry_if_exception_type(WORTH_ANOTHER_ATTEMPT),
            stop=self._gives_up,
            wait=_wait_seconds,
            sleep=self._sleep,
            before_sleep=self._announce_retry,
            reraise=True,
        )
        try:
            answer: T = retrying(self._attempt, path, content, decode, own_pacer)
        except RetriableError as error:
            attempt = retrying.statistics["attempt_number"]
            error.args = (f"{error} This was attempt {attempt} of {self._api.attempts}.",)
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
        started_at = time.monotonic()
        try:
            response = self._session().post(
                self._credentials.base_url + path,
                data=content,
                timeout=(self._api.connect_timeout_seconds, self._api.read_timeout_seconds),
                allow_redirects=False,
                stream=True,
            )
            body = b"".join(response.iter_content(READ_BYTES_COUNT))
        except requests.RequestException as failure:
            return self._faults.of_failure(path, failure)
        if self._observe:
            self._observe(Exchange(response.status_code, response.headers, body, time.monotonic() - started_at))
        if not 200 <= response.status_code < 300:
            return self._faults.of_answer(path, response, body)
        try:
            return decode(body)
        except NotJsonError as problem:
            return self._faults.of_body(path, response, body, str(problem))
        except BadDataError as error:
            return error.with_traceback(None)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = requests.Session()
            adapter = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=1)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            session.headers.update(
                {
                    "Client-Id": self._credentials.client_id,
                    "Api-Key": self._credentials.api_key,
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                    "User-Agent": USER_AGENT,
                }
            )
            self._thread.session = session
            with self._lock:
                self._sessions.append(session)
        return session

    def _gives_up(self, state: RetryCallState) -> bool:
        waiting_seconds = state.idle_for + state.upcoming_sleep
        return state.attempt_number >= self._api.attempts or waiting_seconds > self._api.retry_budget_seconds

    def _announce_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        rate_limited = isinstance(error, RateLimitedError)
        logger.log(
            logging.INFO if rate_limited else logging.WARNING,
            "%s Attempt %d of %d; the next one in %.1f s.",
            error,
            state.attempt_number,
            self._api.attempts,
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
            raise RequestStoppedError("The run was told to stop; no further request is made.")

    def _count(self, requests: int = 0, retries: int = 0, rate_limited: int = 0, wait_seconds: float = 0.0) -> None:
        with self._lock:
            self._usage = replace(
                self._usage,
                requests=self._usage.requests + requests,
                retries=self._usage.retries + retries,
                rate_limited=self._usage.rate_limited + rate_limited,
                wait_seconds=self._usage.wait_seconds + wait_seconds,
            )


def _wait_seconds(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimitedError):
        return error.retry_after_seconds
    return _backoff(state)
