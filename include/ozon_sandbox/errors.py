"""Ozon's error answers, verbatim where they are known.

``code`` is gRPC's number. The statuses of the key errors other than "Invalid Api-Key" and "Offer not signed" are
not documented; they are assumed to be 403.
"""

from __future__ import annotations


class SandboxConfigurationError(Exception):
    """The sandbox cannot start; the message is one sentence for the terminal."""


class ApiError(Exception):
    """An answer other than 200. ``html`` is for the faults of the edge, which does not answer with JSON."""

    def __init__(
        self,
        status: int,
        code: int | None,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        html: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.html = html


def bad_request() -> ApiError:
    return ApiError(400, 3, "Invalid request body")


def headers_missing() -> ApiError:
    return ApiError(401, 16, "Client-Id and Api-Key headers are required")


def client_id_malformed() -> ApiError:
    return ApiError(400, 3, "Client-Id header value should be positive integer")


def key_unknown() -> ApiError:
    return ApiError(404, 5, "Invalid Api-Key, please check the key and try again")


def role_missing() -> ApiError:
    return ApiError(403, 7, "Api-Key is missing a required role for a method")


def key_deactivated() -> ApiError:
    return ApiError(403, 7, "Api-key is deactivated, use another one or generate a new one")


def address_restricted() -> ApiError:
    return ApiError(403, 7, "Api-Key is restricted to specific IP addresses")


def offer_not_signed() -> ApiError:
    return ApiError(403, 7, "Offer not signed")


def company_blocked() -> ApiError:
    return ApiError(403, 7, "Company is blocked, please contact support")


def subscription_needed() -> ApiError:
    """Return the error of analytics methods without a subscription; its text is not documented."""
    return ApiError(403, 7, "The method is available with the Premium Plus subscription only")


def rate_limited(retry_after_seconds: int | None, status: int = 429) -> ApiError:
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return ApiError(status, 8, "You have reached request rate limit per second", headers=headers)


def circle_open() -> ApiError:
    """Return the error of an open circuit. Ozon documents neither status nor ``Retry-After``, so it has none."""
    return ApiError(429, 8, "Circle is open")


def method_obsolete(status: int = 410) -> ApiError:
    """Return the error of a removed method; both 410 without a code and 400 with code 9 were recorded."""
    return ApiError(status, None if status == 410 else 9, "obsolete method cannot be used")


def conflict() -> ApiError:
    """Return the conflict of ``/v1/analytics/stocks``, of which only the status is documented."""
    return ApiError(409, 10, "conflict")


def not_found(what: str) -> ApiError:
    return ApiError(404, 5, f"{what} not found")


def warehouse_not_found() -> ApiError:
    """Return the possible error for a disabled warehouse's stock; it is not documented."""
    return ApiError(400, 3, "WAREHOUSE_NOT_FOUND")


def internal() -> ApiError:
    return ApiError(500, 13, "Internal Server Error")


def edge_fault(status: int) -> ApiError:
    """Return a 502, 503 or 504 of the server in front of the API, which answers with an HTML page."""
    return ApiError(status, None, "The server is temporarily unable to answer", html=True)


def robot_check() -> ApiError:
    """Return the edge's answer to a suspected robot; it was not recorded from the Seller API."""
    return ApiError(403, None, "Please confirm that you are not a robot", html=True)
