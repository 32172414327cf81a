"""Faults of the transport: answers that break off, are no JSON, are too large, or do not end."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Meta
from starlette.responses import Response, StreamingResponse
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


class ErrorPage(Fault, frozen=True):
    """An error of a server on the way: a page of one text, repeated."""

    status: Annotated[int, Meta(ge=400, le=599)] = 502
    text: str = "<"
    count: Annotated[int, Meta(ge=0)] = 80_000

    def response(self, response: Response) -> Response:
        return Response(self.text * self.count, self.status, media_type="text/html; charset=utf-8")


def zeros(megabytes: int) -> bytes:
    """Return so much gzip, made within a moment; without its end, which nobody should get to."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    # After a full flush nothing refers back to an earlier block, so that the same one can follow.
    block = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + block * megabytes


class GzipBomb(Fault, frozen=True):
    """A kB of gzip for each MB of zeros."""

    megabytes: Annotated[int, Meta(ge=1)] = 1_500

    def response(self, response: Response) -> Response:
        return Response(zeros(self.megabytes), headers={"Content-Encoding": "gzip"}, media_type="application/json")


class Dripping(Fault, frozen=True):
    """A body that comes byte by byte."""

    seconds_between_bytes: Annotated[float, Meta(gt=0)] = 0.5

    def response(self, response: Response) -> Response:
        return StreamingResponse(self._drip(bytes(response.body)), response.status_code, media_type="application/json")

    async def _drip(self, body: bytes) -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])
            await asyncio.sleep(self.seconds_between_bytes)


KINDS: dict[str, type[Fault]] = {
    "broken_connection": BrokenConnection,
    "truncated_json": TruncatedJson,
    "not_json": NotJson,
    "error_page": ErrorPage,
    "gzip_bomb": GzipBomb,
    "dripping": Dripping,
}
