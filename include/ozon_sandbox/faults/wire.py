"""Faults of the transport: answers that break off or are no JSON."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from include.ozon_sandbox.faults.base import Fault

_PAGE = "<html><head><title>Ozon</title></head><body><h1>Доступ ограничен</h1></body></html>"


class BrokenResponse(Response):
    """Announces the whole body and sends half of it; the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class BrokenConnection(Fault, frozen=True):
    """The socket is closed in the middle of the body."""

    def response(self, response: Response) -> Response:
        return BrokenResponse(bytes(response.body), response.status_code, dict(response.headers))


class TruncatedJson(Fault, frozen=True):
    """Status 200 and a body that ends too early, properly framed."""

    keep_share: Annotated[float, Meta(ge=0, lt=1)] = 0.5

    def body(self, body: bytes) -> bytes:
        return body[: int(len(body) * self.keep_share)]


class NotJson(Fault, frozen=True):
    """Status 200 and a page for people."""

    text: str = _PAGE

    def response(self, response: Response) -> Response:
        headers = {key: value for key, value in response.headers.items() if not key.startswith("content-")}
        return Response(self.text, 200, headers, media_type="text/html; charset=utf-8")


KINDS: dict[str, type[Fault]] = {
    "broken_connection": BrokenConnection,
    "truncated_json": TruncatedJson,
    "not_json": NotJson,
}
