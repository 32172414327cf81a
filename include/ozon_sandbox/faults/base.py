"""What a fault may do to a request on its way; each kind overrides what it needs.

A fault's fields are its parameters, checked when it is switched on. The hooks stand in the order in which a
request passes them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct
from starlette.responses import Response

from include.ozon_sandbox.calls import Answer, Call, Method
from include.ozon_sandbox.effects import Effect


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``changes_catalogue`` faults hold for every request and for the dump of the truth."""

    changes_catalogue: ClassVar[bool] = False

    async def before(self) -> None:
        """Waits, or raises ApiError."""

    def effect(self) -> Effect | None:
        """What it does to the catalogue."""
        return None

    def request(self, request: Any) -> Any:
        """Another body than the client sent."""
        return request

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        """Changes the answer in place."""

    def body(self, body: bytes) -> bytes:
        """Changes the encoded answer."""
        return body

    def response(self, response: Response) -> Response:
        """Changes how the answer is sent."""
        return response
