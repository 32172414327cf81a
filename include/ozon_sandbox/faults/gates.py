"""Faults before a method is reached: waiting, refusing, failing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from include.ozon_sandbox import errors
from include.ozon_sandbox.errors import ApiError
from include.ozon_sandbox.faults.base import Fault


class Latency(Fault, frozen=True):
    """Every answer comes later."""

    ms: Annotated[int, Meta(ge=0)]

    async def before(self) -> None:
        await asyncio.sleep(self.ms / 1000)


class RateLimited(Fault, frozen=True):
    """429, however few requests there were."""

    retry_after_seconds: Annotated[int, Meta(ge=0)] = 1

    async def before(self) -> None:
        raise errors.rate_limited(self.retry_after_seconds)


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
    """Also what an expired key gets."""

    error = staticmethod(errors.key_deactivated)


class KeyUnknown(_Refusal, frozen=True):
    error = staticmethod(errors.key_unknown)


class RoleMissing(_Refusal, frozen=True):
    error = staticmethod(errors.role_missing)


class AddressRestricted(_Refusal, frozen=True):
    error = staticmethod(errors.address_restricted)


class OfferNotSigned(_Refusal, frozen=True):
    error = staticmethod(errors.offer_not_signed)


class CircleOpen(_Refusal, frozen=True):
    error = staticmethod(errors.circle_open)


class MethodObsolete(_Refusal, frozen=True):
    """The method has been removed."""

    error = staticmethod(errors.method_obsolete)


KINDS: dict[str, type[Fault]] = {
    "latency": Latency,
    "rate_limited": RateLimited,
    "server_error": ServerError,
    "key_deactivated": KeyDeactivated,
    "key_unknown": KeyUnknown,
    "role_missing": RoleMissing,
    "address_restricted": AddressRestricted,
    "offer_not_signed": OfferNotSigned,
    "circle_open": CircleOpen,
    "method_obsolete": MethodObsolete,
}
