"""The base class of faults, with hooks for each step of a request.

A fault's fields are its parameters, validated when it is switched on. The hooks are in the order of a request's steps.
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct
from starlette.responses import Response

from include.ozon_sandbox.calls import Answer, Call, Method
from include.ozon_sandbox.effects import Effect


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fault; each kind overrides the hooks it needs.

    Faults with ``changes_catalogue`` apply to every request and to the truth.
    """

    changes_catalogue: ClassVar[bool] = False

    async def before(self) -> None:
        """Wait, or raise ApiError."""

    def effect(self) -> Effect | None:
        """Return the effect on the catalogue."""
        return None

    def request(self, request: Any) -> Any:
        """Return the changed request."""
        return request

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        """Change the answer in place."""

    def body(self, body: bytes) -> bytes:
        """Return the changed encoded answer."""
        return body

    def response(self, response: Response) -> Response:
        """Return the changed response."""
        return response
