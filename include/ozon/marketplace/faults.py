"""What an answer other than 200, or none at all, means for whoever asked."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
import requests
import urllib3.exceptions

from include.ozon.errors import (
    AccessDeniedError,
    BadDataError,
    ConfigurationError,
    ConnectionSettingsError,
    FatalError,
    MarketplaceUnavailableError,
    ObsoleteMethodError,
    OzonError,
    RateLimitedError,
)
from include.ozon.marketplace.credentials import OZON_BASE_URL, Credentials

# Ozon blocks a method for "some minutes" after too many requests and does not say for how many.
CIRCUIT_OPEN_SECONDS = 300.0
# The limit is one of requests in a second, so a second is what a 429 without Retry-After asks for.
RATE_LIMITED_SECONDS = 1.0
QUOTED_CHARACTERS_COUNT = 200


class InvalidRequestError(FatalError):
    """Ozon says that the request itself is wrong; the same one will never do."""


class RoleMissingError(AccessDeniedError):
    """Ozon accepts the key, but it may not call this method."""


class GarbledAnswerError(BadDataError):
    """A 200 whose body is no JSON, or only its beginning. Asked again, Ozon mostly answers properly."""


class FaultReader:
    """Turns faults of requests made with ``credentials`` into errors whose messages name what to look at.

    Ozon's own words are quoted, without the Api-Key should a server send it back.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def of_answer(self, path: str, response: requests.Response, body: bytes) -> OzonError:
        """What an answer with a status other than 2xx means; its ``body`` was read already."""
        status = response.status_code
        message = self._message(body)
        said = f'{path} answered HTTP {status} "{message}"'
        lowered = message.lower()
        if status == 429 or "circle is open" in lowered:
            return _rate_limited(said, response, circuit_open="circle is open" in lowered)
        if status == 408 or status >= 500:
            return MarketplaceUnavailableError(
                f"{said}. Expected an answer with data; this is a fault on Ozon's side, or of a server on the way to "
                f"{self._credentials.host}. Try again later."
            )
        if status == 410:
            return ObsoleteMethodError(
                f"{said}. Ozon has removed this method; upgrade this package to a version that uses its successor."
            )
        if status in (401, 403) or "api-key" in lowered or "client-id" in lowered:
            kind = RoleMissingError if "missing a required role" in lowered else AccessDeniedError
            return self._access_denied(kind, said)
        if status == 404 or status < 400:
            return self._wrong_url(said, response)
        return InvalidRequestError(
            f"{said}. Expected Ozon to accept this request; lower api.page_size and api.details_batch_size if they "
            "are above Ozon's limits, otherwise this package has to be upgraded."
        )

    def of_body(self, path: str, response: requests.Response, body: bytes, problem: str) -> GarbledAnswerError:
        """What a 200 that is no JSON means."""
        content_type = response.headers.get("Content-Type", "no content type")
        return GarbledAnswerError(
            f"{path} answered HTTP {response.status_code} with {len(body)} bytes that are no complete "
            f'JSON ({problem}; {self._quoted(content_type)}), starting with "{self._quoted_body(body)}". '
            f"Expected JSON of the Seller API. Try again later; if this lasts, check the host of connection "
            f"{self._credentials.source}."
        )

    def of_failure(self, path: str, failure: requests.RequestException) -> OzonError:
        """What a request means that brought no answer. Quotes none of ``failure``, which holds the headers."""
        causes = list(_causes(failure))
        host, source = self._credentials.host, self._credentials.source
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ConnectionSettingsError(
                    f"{path}: the TLS certificate of {host} is not trusted ({cause.verify_message}). Expected a valid "
                    f"certificate for this name; check the host of connection {source}, this machine's clock, and "
                    "REQUESTS_CA_BUNDLE where an authority of your own signs."
                )
            if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
                return ConnectionSettingsError(
                    f"{path}: {host} does not speak TLS. Expected the host of connection {source} to begin with "
                    "http:// for such a server; correct the scheme or the port."
                )
        return MarketplaceUnavailableError(
            f"{path}: {_broken(causes, host)} If this lasts, check the host of connection {source}, and the network."
        )

    def _access_denied(self, kind: type[AccessDeniedError], said: str) -> AccessDeniedError:
        source = self._credentials.source
        return kind(
            f"{said}. Expected Ozon to know Client-Id {self._credentials.client_id} and an active key with a role for "
            f"this method; check login and password of connection {source}, or make a new key in the seller's "
            "account (Settings, API keys)."
        )

    def _wrong_url(self, said: str, response: requests.Response) -> ConfigurationError:
        target = response.headers.get("Location")
        redirect = f" and sends to {self._quoted(target)}" if target else ""
        return ConfigurationError(
            f"{said}{redirect}, asked at {self._credentials.base_url}. Expected the Seller API there; check the host "
            f"of connection {self._credentials.source} (Ozon's own is {OZON_BASE_URL})."
        )

    def _message(self, body: bytes) -> str:
        try:
            message = msgspec.json.decode(body, type=_ErrorBody).message
        except (ValueError, RecursionError):
            return self._quoted_body(body)
        return self._quoted(message)

    def _quoted_body(self, body: bytes) -> str:
        without_tags = re.sub(r"<[^>]*>", " ", body.decode("utf-8", "replace"))
        return self._quoted(without_tags)

    def _quoted(self, text: str) -> str:
        printable = "".join(character if character.isprintable() else " " for character in text)
        # The key goes before the text is cut: half a key is a key's half too many.
        words = " ".join(self._credentials.scrubbed(printable).split())
        return words if len(words) <= QUOTED_CHARACTERS_COUNT else words[:QUOTED_CHARACTERS_COUNT] + "..."


class _ErrorBody(msgspec.Struct):
    message: str


def _rate_limited(said: str, response: requests.Response, *, circuit_open: bool) -> RateLimitedError:
    asked_seconds = _retry_after_seconds(response.headers.get("Retry-After", ""))
    if circuit_open:
        seconds = max(asked_seconds or 0, CIRCUIT_OPEN_SECONDS)
        return RateLimitedError(
            f"{said}: after too many requests Ozon blocks this method for some minutes. Expected to stay within its "
            f"limits; the next try should not be before {seconds / 60:.0f} minutes have passed. Find out what else "
            "uses this Client-Id, or lower api.requests_per_second.",
            seconds,
        )
    seconds = asked_seconds or RATE_LIMITED_SECONDS
    return RateLimitedError(
        f"{said} and asks to wait {seconds:g} seconds. Expected to stay within Ozon's limits; if this happens often, "
        "find out what else uses this Client-Id, or lower api.requests_per_second.",
        seconds,
    )


def _retry_after_seconds(header: str) -> float | None:
    """A Retry-After header as seconds from now; it may be a number or a date (RFC 9110)."""
    if re.fullmatch(r"\s*[0-9]{1,9}(\.[0-9]{1,9})?\s*", header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _broken(causes: list[BaseException], host: str) -> str:
    # In this order: urllib3's classes derive from each other.
    sentences = {
        requests.exceptions.ProxyError: f"the proxy that HTTPS_PROXY or HTTP_PROXY names gives no way to {host}.",
        urllib3.exceptions.NameResolutionError: f"the name of host {host} cannot be resolved. Expected one that "
        "this machine's DNS knows.",
        urllib3.exceptions.NewConnectionError: f"{host} takes no connections. Expected the Seller API to listen there.",
        urllib3.exceptions.ConnectTimeoutError: f"{host} accepted no connection within api.connect_timeout_seconds.",
        urllib3.exceptions.ReadTimeoutError: f"{host} sent nothing for longer than api.read_timeout_seconds.",
        requests.exceptions.ContentDecodingError: f"{host} sent a body that cannot be decompressed. Expected gzip "
        "or plain JSON.",
    }
    for kind, sentence in sentences.items():
        if any(isinstance(cause, kind) for cause in causes):
            return sentence
    return f"the connection to {host} broke before the answer was complete."


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """``failure`` and what lies beneath: requests and urllib3 keep it in args, ``reason`` or ``__context__``."""
    waiting: list[object] = [failure]
    seen: set[int] = set()
    while waiting:
        error = waiting.pop()
        if isinstance(error, BaseException) and id(error) not in seen:
            seen.add(id(error))
            yield error
            waiting += [*error.args, getattr(error, "reason", None), error.__cause__, error.__context__]
