"""Faults before a method is called: delays, refusals, failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from include.ozon_sandbox import errors
from include.ozon_sandbox.errors import ApiError
from include.ozon_sandbox.faults.base import Fault


class Latency(Fault, frozen=True):
    """Every answer is delayed."""

    ms: Annotated[int, Meta(ge=0)]

    async def before(self) -> None:
        await asyncio.sleep(self.ms / 1000)


class RateLimited(Fault, frozen=True):
    """429, or 400 with the same body, whatever the number of requests; null seconds omit ``Retry-After``."""

    retry_after_seconds: Annotated[int, Meta(ge=0)] | None = 1
    status: Literal[400, 429] = 429

    async def before(self) -> None:
        raise errors.rate_limited(self.retry_after_seconds, self.status)


class ServerError(Fault, frozen=True):
    """500 with Ozon's JSON; 502, 503 and 504 with the HTML of the edge."""

    status: Literal[500, 502, 503, 504] = 500

    async def before(self) -> None:
        raise errors.internal() if self.status == 500 else errors.edge_fault(self.status)


class _Refusal(Fault, frozen=True):
    error: ClassVar[Callable[[], ApiError]]

    async def before(self) -> None:
        raise type(self).error()


class KeyDeactivated(_Refusal, frozen=True):
    """The answer to a deactivated or expired key."""

    error = staticmethod(errors.key_deactivated)


class KeyUnknown(_Refusal, frozen=True):
    error = staticmethod(errors.key_unknown)


class RoleMissing(_Refusal, frozen=True):
    error = staticmethod(errors.role_missing)


class AddressRestricted(_Refusal, frozen=True):
    error = staticmethod(errors.address_restricted)


class OfferNotSigned(_Refusal, frozen=True):
    error = staticmethod(errors.offer_not_signed)


class CompanyBlocked(_Refusal, frozen=True):
    error = staticmethod(errors.company_blocked)


class SubscriptionNeeded(_Refusal, frozen=True):
    error = staticmethod(errors.subscription_needed)


class Conflict(_Refusal, frozen=True):
    error = staticmethod(errors.conflict)


class HtmlForbidden(_Refusal, frozen=True):
    """403 with the page of a robot check."""

    error = staticmethod(errors.robot_check)


class StocksNotFound(_Refusal, frozen=True):
    """404 of ``/v1/analytics/stocks`` for SKUs without rows."""

    error = staticmethod(lambda: errors.not_found("stocks"))


class CircleOpen(_Refusal, frozen=True):
    error = staticmethod(errors.circle_open)


class MethodObsolete(Fault, frozen=True):
    """The method has been removed."""

    status: Literal[400, 410] = 410

    async def before(self) -> None:
        raise errors.method_obsolete(self.status)


KINDS: dict[str, type[Fault]] = {
    "latency": Latency,
    "rate_limited": RateLimited,
    "server_error": ServerError,
    "key_deactivated": KeyDeactivated,
    "key_unknown": KeyUnknown,
    "role_missing": RoleMissing,
    "address_restricted": AddressRestricted,
    "offer_not_signed": OfferNotSigned,
    "company_blocked": CompanyBlocked,
    "subscription_needed": SubscriptionNeeded,
    "conflict": Conflict,
    "html_forbidden": HtmlForbidden,
    "stocks_not_found": StocksNotFound,
    "circle_open": CircleOpen,
    "method_obsolete": MethodObsolete,
}
