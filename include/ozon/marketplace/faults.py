"""What an answer other than 200, or none at all, means for whoever asked."""

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

# Ozon blocks a method for "some minutes" after too many requests and does not say for how many.
CIRCUIT_OPEN_SECONDS = 300.0
# A proxy or a firewall may send a page of any size, and nobody reads more of it.
READ_CHARACTERS_COUNT = 4_000
QUOTED_CHARACTERS_COUNT = 200


class InvalidRequestError(FatalError):
    """Ozon says that the request itself is wrong; the same one will never do."""


class RoleMissingError(AccessDeniedError):
    """Ozon accepts the key, but it may not call this method."""


class GarbledAnswerError(BadDataError):
    """A 200 whose body is no JSON, or only its beginning. Asked again, Ozon mostly answers properly."""


@dataclass(frozen=True)
class ErrorAnswer:
    """An answer other than 2xx, as far as it says what went wrong."""

    status: int
    code: int | str | None
    """Of gRPC, or a name; None where the body is no error of the API, or has none."""
    message: str
    """Fit to be quoted: short, printable and without the key."""
    words: str
    """Code, message and details of an error of the API in lower case; empty for a page of a server on the way."""

    @property
    def is_of_api(self) -> bool:
        return bool(self.words)

    def has(self, *phrases: str) -> bool:
        return any(phrase in self.words for phrase in phrases)


@dataclass(frozen=True)
class Meaning:
    """What some error answers mean. ``advice`` follows the answer's own words and may name fields of `FaultReader`."""

    applies: Callable[[ErrorAnswer], bool]
    error: type[OzonError]
    advice: str


# What servers answer for an address that they do not have, in place of naming what they miss.
_UNKNOWN_ADDRESS = re.compile(r"(404 )?(page )?not found\.?")


def _is_unknown_thing(answer: ErrorAnswer) -> bool:
    if answer.has("warehouse_not_found"):
        return answer.status in (400, 404)
    is_address = _UNKNOWN_ADDRESS.fullmatch(answer.message.lower()) is not None
    return answer.status == 404 and answer.code is not None and not is_address


_NO_NEW_KEY = "Ozon knows the key, and a new one does not help"

# The first that applies counts.
MEANINGS = (
    Meaning(
        lambda answer: answer.status in (408, 425) or answer.status >= 500,
        MarketplaceUnavailableError,
        "Expected an answer with data; this is a fault on Ozon's side, or of a server on the way to {host}. "
        "Try again later.",
    ),
    Meaning(
        lambda answer: answer.status == 409,
        MarketplaceUnavailableError,
        "Expected an answer with data; something else changes the same data at Ozon. Try again later.",
    ),
    Meaning(
        lambda answer: answer.status == 403 and not answer.is_of_api,
        MarketplaceUnavailableError,
        "Expected JSON of the Seller API; a server on the way to {host} takes this machine for a robot or is busy. "
        "Try again later; if this lasts, ask whoever runs the network or the proxy, and Ozon Seller's support.",
    ),
    Meaning(
        lambda answer: answer.has("obsolete method") or (answer.status == 410 and answer.is_of_api),
        ObsoleteMethodError,
        "Ozon has removed this method; upgrade this package to a version that uses its successor.",
    ),
    Meaning(
        lambda answer: answer.has("company is blocked"),
        AccessDeniedError,
        f"Ozon has blocked the company of Client-Id {{client_id}}. {_NO_NEW_KEY}; ask Ozon Seller's support why, and "
        "how to lift the block.",
    ),
    Meaning(
        lambda answer: answer.has("offer not signed"),
        AccessDeniedError,
        f"{_NO_NEW_KEY}; sign the offer for Client-Id {{client_id}} in Ozon Seller.",
    ),
    Meaning(
        lambda answer: answer.has("restricted to specific ip", "ip address"),
        AccessDeniedError,
        f"{_NO_NEW_KEY} as long as it is bound to the same addresses; allow the address from which this machine "
        "reaches the internet in Ozon Seller (Settings, Seller API).",
    ),
    Meaning(
        lambda answer: answer.status in (402, 403) and answer.has("subscription", "premium"),
        AccessDeniedError,
        f"Ozon answers this method only to sellers with a subscription. {_NO_NEW_KEY}; subscribe in Ozon Seller, or "
        "switch off what needs this method in the configuration.",
    ),
    Meaning(
        lambda answer: answer.has("missing a required role"),
        RoleMissingError,
        "Expected the key of connection {source} to have a role for this method; make a new key with it in Ozon "
        "Seller (Settings, Seller API).",
    ),
    Meaning(
        lambda answer: answer.status in (401, 403) or answer.has("api-key", "client-id"),
        AccessDeniedError,
        "Expected Ozon to know Client-Id {client_id} and an active key with a role for this method; check login and "
        "password of connection {source}, or make a new key in Ozon Seller (Settings, Seller API).",
    ),
    Meaning(
        _is_unknown_thing,
        NotFoundError,
        "Ozon accepts the key and does not know what was asked for; it may have been removed meanwhile.",
    ),
    Meaning(
        lambda answer: answer.status == 404 or answer.status < 400 or not answer.is_of_api,
        ConfigurationError,
        "It was asked at {base_url}. Expected the Seller API there; check the host of connection {source} "
        f"(Ozon's own is {OZON_BASE_URL}).",
    ),
    Meaning(
        lambda _: True,
        InvalidRequestError,
        "Expected Ozon to accept this request; lower api.page_size and api.details_batch_size if they are above "
        "Ozon's limits, otherwise this package has to be upgraded.",
    ),
)


class FaultReader:
    """Turns faults of requests made with ``credentials`` into errors whose messages name what to look at.

    Ozon's own words are quoted, without the Api-Key should a server send it back. ``longest_wait_seconds`` is the
    longest Retry-After to believe: a server on the way can send any.
    """

    def __init__(self, credentials: Credentials, longest_wait_seconds: float) -> None:
        self._credentials = credentials
        self._longest_wait_seconds = longest_wait_seconds

    def of_answer(self, path: str, response: Exchange, own_wait_seconds: Callable[[], float]) -> OzonError:
        """What an answer with a status other than 2xx means.

        ``own_wait_seconds`` says how long to wait after a refusal that does not.
        """
        answer = self._error_answer(response.status, response.body)
        target = response.headers.get("Location")
        redirect = f" and sends to {self._quoted(target)}" if target else ""
        said = f'{path} answered HTTP {answer.status} "{answer.message}"{redirect}'
        if answer.status == 429 or answer.code == 8 or answer.has("circle is open", "request rate limit"):
            asked_seconds = retry_after_seconds(response.headers.get("Retry-After", ""))
            if answer.has("circle is open"):
                return self._circuit_open(said, asked_seconds)
            return self._rate_limited(said, asked_seconds, own_wait_seconds)
        meaning = next(meaning for meaning in MEANINGS if meaning.applies(answer))
        who = self._credentials
        advice = meaning.advice.format(host=who.host, base_url=who.base_url, source=who.source, client_id=who.client_id)
        return meaning.error(f"{said}. {advice}")

    def of_body(self, path: str, response: Exchange, problem: str) -> GarbledAnswerError:
        """What a 200 that is no JSON means."""
        content_type = response.headers.get("Content-Type", "no content type")
        return GarbledAnswerError(
            f"{path} answered HTTP {response.status} with {len(response.body)} bytes that are no complete "
            f'JSON ({problem}; {self._quoted(content_type)}), starting with "{self._quoted_page(response.body)}". '
            f"Expected JSON of the Seller API. Try again later; if this lasts, check the host of connection "
            f"{self._credentials.source}."
        )

    def of_too_large(self, path: str) -> GarbledAnswerError:
        """What a body beyond the largest one means."""
        return GarbledAnswerError(
            f"{path} answered with a body that unpacks to more than {LARGEST_BODY_BYTES_COUNT // 1_000_000} MB. "
            "Expected a page of the Seller API, which has a few MB; the rest was not read. Try again later; if this "
            f"lasts, check the host of connection {self._credentials.source}."
        )

    def of_timeout(self, path: str, seconds: float) -> MarketplaceUnavailableError:
        """What an exchange means that was not over at its deadline."""
        return MarketplaceUnavailableError(
            f"{path}: {self._credentials.host} did not complete its answer within {seconds:g} seconds "
            "(api.exchange_timeout_seconds). Try again later; if this lasts, check the host of connection "
            f"{self._credentials.source}, and the network."
        )

    def of_failure(self, path: str, failure: requests.RequestException) -> OzonError:
        """What a request means that brought no answer."""
        return error_of_failure(path, failure, self._credentials)

    def _circuit_open(self, said: str, asked_seconds: float | None) -> RateLimitedError:
        seconds = min(max(asked_seconds or 0, CIRCUIT_OPEN_SECONDS), self._longest_wait_seconds)
        return RateLimitedError(
            f"{said}: after too many requests Ozon blocks this method for some minutes. Expected to stay within its "
            f"limits; the next try should not be before {seconds / 60:.0f} minutes have passed. Find out what else "
            "uses this Client-Id, or lower api.requests_per_second.",
            seconds,
        )

    def _rate_limited(
        self, said: str, asked_seconds: float | None, own_wait_seconds: Callable[[], float]
    ) -> RateLimitedError:
        seconds = min(asked_seconds or own_wait_seconds(), self._longest_wait_seconds)
        return RateLimitedError(
            f"{said} and asks to wait; the next request comes after {seconds:g} seconds. Expected to stay within "
            "Ozon's limits; if this happens often, find out what else uses this Client-Id, or lower "
            "api.requests_per_second.",
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
        """Return the beginning of ``text``, printable and without the key: half a key is a key's half too many."""
        printable = "".join(character if character.isprintable() else " " for character in text[:READ_CHARACTERS_COUNT])
        scrubbed = self._credentials.scrubbed(printable)
        return scrubbed if len(text) <= READ_CHARACTERS_COUNT else scrubbed[: -len(self._credentials.api_key)]


class _ErrorBody(msgspec.Struct):
    message: str
    code: int | str | None = None
    details: msgspec.Raw = msgspec.Raw()


def retry_after_seconds(header: str) -> float | None:
    """Return a Retry-After header as seconds from now, None where it names none; a number or a date (RFC 9110)."""
    value = header[:100].strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value, re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
