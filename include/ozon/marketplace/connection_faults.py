"""Errors of requests without an answer: no connection, no TLS, or an incomplete answer."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from include.ozon.errors import ConnectionSettingsError, MarketplaceUnavailableError, OzonError
from include.ozon.marketplace.credentials import Credentials


def error_of_failure(path: str, failure: requests.RequestException, credentials: Credentials) -> OzonError:
    """Return the error to raise instead of ``failure``, without quoting it: it contains the headers with the key."""
    causes = list(_causes(failure))
    host, source = credentials.host, credentials.source
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectionSettingsError(
                f"{path}: the TLS certificate of {host} is not trusted ({cause.verify_message}). Expected a valid "
                f"certificate for this name; check the host of connection {source}, this machine's clock, and "
                "REQUESTS_CA_BUNDLE if your own certificate authority signs."
            )
        if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            return ConnectionSettingsError(
                f"{path}: {host} does not speak TLS. Expected the host of connection {source} to begin with "
                "http:// for such a server; correct the scheme or the port."
            )
    return MarketplaceUnavailableError(
        f"{path}: {_broken(causes, host)} If this keeps happening, check the host of connection {source} and the "
        "network."
    )


def _broken(causes: list[BaseException], host: str) -> str:
    # In this order: urllib3's classes derive from each other.
    sentences = {
        requests.exceptions.ProxyError: f"the proxy in HTTPS_PROXY or HTTP_PROXY cannot reach {host}.",
        urllib3.exceptions.NameResolutionError: f"the name of host {host} cannot be resolved. Expected a name that "
        "this machine's DNS knows.",
        urllib3.exceptions.NewConnectionError: f"{host} refuses connections. Expected the Seller API to listen there.",
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
    """Yield ``failure`` and its causes, which requests and urllib3 keep in args, ``reason`` or ``__context__``."""
    waiting: list[object] = [failure]
    seen: set[int] = set()
    while waiting:
        error = waiting.pop()
        if isinstance(error, BaseException) and id(error) not in seen:
            seen.add(id(error))
            yield error
            waiting += [*error.args, getattr(error, "reason", None), error.__cause__, error.__context__]
