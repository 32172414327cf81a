"""Faults of the transport: answers that are cut off, not JSON, too large, or endless."""

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
    """A response that announces the whole body but sends half of it; the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class BrokenConnection(Fault, frozen=True):
    """The socket is closed in the middle of the body."""

    def response(self, response: Response) -> Response:
        return BrokenResponse(bytes(response.body), response.status_code, dict(response.headers))


class TruncatedJson(Fault, frozen=True):
    """Status 200 with a body that is cut off but correctly framed."""

    keep_share: Annotated[float, Meta(ge=0, lt=1)] = 0.5

    def body(self, body: bytes) -> bytes:
        return body[: int(len(body) * self.keep_share)]


class NotJson(Fault, frozen=True):
    """Status 200 with an HTML page."""

    text: str = _PAGE

    def response(self, response: Response) -> Response:
        headers = {key: value for key, value in response.headers.items() if not key.startswith("content-")}
        return Response(self.text, 200, headers, media_type="text/html; charset=utf-8")


class ErrorPage(Fault, frozen=True):
    """An error of a server in between: a page with one text, repeated."""

    status: Annotated[int, Meta(ge=400, le=599)] = 502
    text: str = "<"
    count: Annotated[int, Meta(ge=0)] = 80_000

    def response(self, response: Response) -> Response:
        return Response(self.text * self.count, self.status, media_type="text/html; charset=utf-8")


def zeros(megabytes: int) -> bytes:
    """Return gzip data of this many MB of zeros, without its end, which no client should reach."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    # After a full flush no block refers to an earlier one, so the same block can be repeated.
    block = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + block * megabytes


class GzipBomb(Fault, frozen=True):
    """Gzip data with a kB for each MB of zeros."""

    megabytes: Annotated[int, Meta(ge=1)] = 1_500

    def response(self, response: Response) -> Response:
        return Response(zeros(self.megabytes), headers={"Content-Encoding": "gzip"}, media_type="application/json")


class Dripping(Fault, frozen=True):
    """A body that is sent byte by byte."""

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
