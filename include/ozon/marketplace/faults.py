"""Errors for answers other than 200 and for requests without an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
import requests

from include.ozon.errors import (
    AccessDeniedError,
    BadDataError,
    ConfigurationError,
    FatalError,
    MarketplaceUnavailableError,
    NotFoundError,
    ObsoleteMethodError,
    OzonError,
    RateLimitedError,
)
from include.ozon.marketplace.connection_faults import error_of_failure
from include.ozon.marketplace.credentials import OZON_BASE_URL, Credentials
from include.ozon.marketplace.exchange import LARGEST_BODY_BYTES_COUNT, Exchange

# Ozon blocks a method for "some minutes" after too many requests, without a number.
CIRCUIT_OPEN_SECONDS = 300.0
# A proxy or a firewall may send a page of any size; more than this is not read.
READ_CHARACTERS_COUNT = 4_000
QUOTED_CHARACTERS_COUNT = 200


class InvalidRequestError(FatalError):
    """Ozon rejects the request itself; repeating it cannot succeed."""


class RoleMissingError(AccessDeniedError):
    """Ozon accepts the key, but it may not call this method."""


class GarbledAnswerError(BadDataError):
    """A 200 whose body is not the expected JSON, or is cut off. A repeated request mostly succeeds."""


@dataclass(frozen=True)
class ErrorAnswer:
    """An answer other than 2xx, with its error's code and message."""

    status: int
    code: int | str | None
    """A gRPC code or a name; None if there is none, or the body is not an error of the API."""
    message: str
    """Safe to quote: short, printable and without the key."""
    words: str
    """Code, message and details of an API error in lower case; empty for a page of a server in between."""

    @property
    def is_of_api(self) -> bool:
        return bool(self.words)

    def has(self, *phrases: str) -> bool:
        return any(phrase in self.words for phrase in phrases)


@dataclass(frozen=True)
class ErrorMeaning:
    """The meaning of some error answers. ``advice`` is appended to the quoted answer; it may contain placeholders."""

    applies: Callable[[ErrorAnswer], bool]
    error: type[OzonError]
    advice: str


# The answers of servers for an unknown URL, as opposed to a missing object.
_UNKNOWN_ADDRESS = re.compile(r"(404 )?(page )?not found\.?")


def _is_unknown_thing(answer: ErrorAnswer) -> bool:
    if answer.has("warehouse_not_found"):
        return answer.status in (400, 404)
    is_address = _UNKNOWN_ADDRESS.fullmatch(answer.message.lower()) is not None
    return answer.status == 404 and answer.code is not None and not is_address


_NO_NEW_KEY = "Ozon knows the key, and a new one does not help"

# The first that applies counts.
ERROR_MEANINGS = (
    ErrorMeaning(
        lambda answer: answer.status in (408, 425) or answer.status >= 500,
        MarketplaceUnavailableError,
        "Expected an answer with data; this is a fault at Ozon or of a server between here and {host}. "
        "Try again later.",
    ),
    ErrorMeaning(
        lambda answer: answer.status == 409,
        MarketplaceUnavailableError,
        "Expected an answer with data; another client is changing the same data at Ozon. Try again later.",
    ),
    ErrorMeaning(
        lambda answer: answer.status == 403 and not answer.is_of_api,
        MarketplaceUnavailableError,
        "Expected JSON of the Seller API; a server between here and {host} takes this machine for a robot or is "
        "busy. Try again later; if this keeps happening, ask the administrator of the network or proxy, and Ozon "
        "Seller's support.",
    ),
    ErrorMeaning(
        lambda answer: answer.has("obsolete method") or (answer.status == 410 and answer.is_of_api),
        ObsoleteMethodError,
        "Ozon has removed this method; upgrade this package to a version that uses its successor.",
    ),
    ErrorMeaning(
        lambda answer: answer.has("company is blocked"),
        AccessDeniedError,
        f"Ozon has blocked the company of Client-Id {{client_id}}. {_NO_NEW_KEY}; ask Ozon Seller's support for the "
        "reason and how to lift the block.",
    ),
    ErrorMeaning(
        lambda answer: answer.has("offer not signed"),
        AccessDeniedError,
        f"{_NO_NEW_KEY}; sign the offer for Client-Id {{client_id}} in Ozon Seller.",
    ),
    ErrorMeaning(
        lambda answer: answer.has("restricted to specific ip", "ip address"),
        AccessDeniedError,
        f"{_NO_NEW_KEY} as long as it is bound to the same addresses; allow this machine's public IP address in Ozon "
        "Seller (Settings, Seller API).",
    ),
    ErrorMeaning(
        lambda answer: answer.status in (402, 403) and answer.has("subscription", "premium"),
        AccessDeniedError,
        f"This method is only for sellers with a subscription. {_NO_NEW_KEY}; subscribe in Ozon Seller, or switch "
        "off the settings that need this method.",
    ),
    ErrorMeaning(
        lambda answer: answer.has("missing a required role"),
        RoleMissingError,
        "Expected the key of connection {source} to have a role for this method; create a new key with that role in "
        "Ozon Seller (Settings, Seller API).",
    ),
    ErrorMeaning(
        lambda answer: answer.status in (401, 403) or answer.has("api-key", "client-id"),
        AccessDeniedError,
        "Expected Ozon to know Client-Id {client_id} and an active key with a role for this method; check login and "
        "password of connection {source}, or create a new key in Ozon Seller (Settings, Seller API).",
    ),
    ErrorMeaning(
        _is_unknown_thing,
        NotFoundError,
        "Ozon accepts the key but does not know the requested object; it may have been removed meanwhile.",
    ),
    ErrorMeaning(
        lambda answer: answer.status == 404 or answer.status < 400 or not answer.is_of_api,
        ConfigurationError,
        "The request went to {base_url}. Expected the Seller API there; check the host of connection {source} "
        f"(Ozon's own is {OZON_BASE_URL}).",
    ),
    ErrorMeaning(
        lambda _: True,
        InvalidRequestError,
        "Expected Ozon to accept this request; lower api.page_size and api.details_batch_size if they are above "
        "Ozon's limits, otherwise this package has to be upgraded.",
    ),
)


class FaultReader:
    """Converts faults of requests into errors whose messages say what to check.

    Ozon's message is quoted without the Api-Key, in case a server sends it back. ``longest_wait_seconds`` is the upper
    limit of a Retry-After: a server in between can send any value.
    """

    def __init__(self, credentials: Credentials, longest_wait_seconds: float) -> None:
        self._credentials = credentials
        self._longest_wait_seconds = longest_wait_seconds

    def of_answer(self, path: str, response: Exchange, own_wait_seconds: Callable[[], float]) -> OzonError:
        """Return the error for an answer with a status other than 2xx.

        ``own_wait_seconds`` returns the wait after a rate-limited request without a Retry-After.
        """
        answer = self._error_answer(response.status, response.body)
        target = response.headers.get("Location")
        redirect = f" and redirects to {self._quoted(target)}" if target else ""
        found = f'{path} answered HTTP {answer.status} "{answer.message}"{redirect}'
        if answer.status == 429 or answer.code == 8 or answer.has("circle is open", "request rate limit"):
            asked_seconds = retry_after_seconds(response.headers.get("Retry-After", ""))
            if answer.has("circle is open"):
                return self._circuit_open(found, asked_seconds)
            return self._rate_limited(found, asked_seconds, own_wait_seconds)
        meaning = next(meaning for meaning in ERROR_MEANINGS if meaning.applies(answer))
        who = self._credentials
        advice = meaning.advice.format(host=who.host, base_url=who.base_url, source=who.source, client_id=who.client_id)
        return meaning.error(f"{found}. {advice}")

    def of_body(self, path: str, response: Exchange, problem: str) -> GarbledAnswerError:
        """Return the error for a 200 that is not JSON."""
        content_type = response.headers.get("Content-Type", "no content type")
        return GarbledAnswerError(
            f"{path} answered HTTP {response.status} with {len(response.body)} bytes that are not complete "
            f'JSON ({problem}; {self._quoted(content_type)}), starting with "{self._quoted_page(response.body)}". '
            f"Expected JSON of the Seller API. Try again later; if this keeps happening, check the host of connection "
            f"{self._credentials.source}."
        )

    def of_too_large(self, path: str) -> GarbledAnswerError:
        """Return the error for a body that is too large."""
        return GarbledAnswerError(
            f"{path} answered with a body that unpacks to more than {LARGEST_BODY_BYTES_COUNT // 1_000_000} MB. "
            "Expected a page of the Seller API, which has a few MB; the rest was not read. Try again later; if this "
            f"keeps happening, check the host of connection {self._credentials.source}."
        )

    def of_timeout(self, path: str, seconds: float) -> MarketplaceUnavailableError:
        """Return the error for an exchange that did not end before its deadline."""
        return MarketplaceUnavailableError(
            f"{path}: {self._credentials.host} did not complete its answer within {seconds:g} seconds "
            "(api.exchange_timeout_seconds). Try again later; if this keeps happening, check the host of connection "
            f"{self._credentials.source} and the network."
        )

    def of_failure(self, path: str, failure: requests.RequestException) -> OzonError:
        """Return the error for a request without an answer."""
        return error_of_failure(path, failure, self._credentials)

    def _circuit_open(self, found: str, asked_seconds: float | None) -> RateLimitedError:
        seconds = min(max(asked_seconds or 0, CIRCUIT_OPEN_SECONDS), self._longest_wait_seconds)
        return RateLimitedError(
            f"{found}: after too many requests Ozon blocks this method for some minutes. Wait at least "
            f"{seconds / 60:.0f} minutes before the next request. Find out what else uses this Client-Id, or lower "
            "api.requests_per_second.",
            seconds,
        )

    def _rate_limited(
        self, found: str, asked_seconds: float | None, own_wait_seconds: Callable[[], float]
    ) -> RateLimitedError:
        seconds = min(asked_seconds or own_wait_seconds(), self._longest_wait_seconds)
        return RateLimitedError(
            f"{found}: too many requests; the next one is sent after {seconds:g} seconds. If this happens often, find "
            "out what else uses this Client-Id, or lower api.requests_per_second.",
            seconds,
        )

    def _error_answer(self, status: int, body: bytes) -> ErrorAnswer:
        try:
            error = msgspec.json.decode(body, type=_ErrorBody)
        except (ValueError, RecursionError):
            return ErrorAnswer(status, None, self._quoted_page(body), "")
        words = f"{error.code} {error.message} {bytes(error.details).decode('utf-8', 'replace')}"
        return ErrorAnswer(status, error.code, self._quoted(error.message), words.lower())

    def _quoted_page(self, page: bytes) -> str:
        text = self._readable(page[: 4 * READ_CHARACTERS_COUNT].decode("utf-8", "replace"))
        return self._quoted(re.sub(r"<[^<>]*>", " ", text))

    def _quoted(self, text: str) -> str:
        words = " ".join(self._readable(text).split())
        return words if len(words) <= QUOTED_CHARACTERS_COUNT else words[:QUOTED_CHARACTERS_COUNT] + "..."

    def _readable(self, text: str) -> str:
        """Return the beginning of ``text``, printable and without the key or a part of it at the cut."""
        printable = "".join(character if character.isprintable() else " " for character in text[:READ_CHARACTERS_COUNT])
        scrubbed = self._credentials.scrubbed(printable)
        return scrubbed if len(text) <= READ_CHARACTERS_COUNT else scrubbed[: -len(self._credentials.api_key)]


class _ErrorBody(msgspec.Struct):
    message: str
    code: int | str | None = None
    details: msgspec.Raw = msgspec.Raw()


def retry_after_seconds(header: str) -> float | None:
    """Return a Retry-After header (RFC 9110: a number or a date) as seconds from now; None if it is not valid."""
    value = header[:100].strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value, re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
