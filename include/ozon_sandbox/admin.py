"""The admin address for tests and the local services; the real API has none.

========================================  =================================================================
``GET /admin/state``                      the tick, each account's size and requests by method, all answers
                                          by status, and the most requests in any one second by Client-Id
``POST /admin/tick`` ``{"count": 1}``     advances every catalogue, or that of an ``account``
``GET /admin/catalogue/{account}``        the truth, one JSON object per line for each product (see ``truth``)
``GET /admin/faults``                     the active faults, and how often each has fired
``POST /admin/faults``                    switches one on (see ``faults.registry``)
``DELETE /admin/faults``                  switches all off
``POST /admin/reset-counters``            resets the counts of requests and answers and the busiest second
``POST /admin/reset`` ``{"tick": 0}``     restores the state at the process's start; the tick is optional
========================================  =================================================================

It has no sign-in: the sandbox listens on the machine's loopback address, or inside a container's own network. It
refuses what a page of another site makes a browser on this machine send.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Request
from msgspec import Meta, Struct
from starlette.responses import Response, StreamingResponse

from include.ozon_sandbox.faults.registry import FaultError
from include.ozon_sandbox.sandbox import Sandbox
from include.ozon_sandbox.truth import truth_lines


class _Tick(Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1)] = 1
    account: str | None = None


class _Reset(Struct, forbid_unknown_fields=True):
    tick: Annotated[int, Meta(ge=0)] | None = None


def _require_own_address(request: Request) -> None:
    """Refuse a request that a browser sends for another site, or to a name that another site has pointed here."""
    host = request.url.hostname or ""
    is_another_name = "." in host and not host.replace(".", "").isdecimal()
    is_for_another_site = request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
    own_origin = f"{request.url.scheme}://{request.url.netloc}"
    if is_another_name or is_for_another_site or request.headers.get("origin", own_origin) != own_origin:
        raise HTTPException(403, "The admin address answers only this machine's own programs and pages.")


def router(sandbox: Sandbox) -> APIRouter:
    routes = APIRouter(prefix="/admin", dependencies=[Depends(_require_own_address)])

    @routes.get("/state")
    async def state() -> Response:
        return _json(sandbox.state())

    @routes.post("/tick")
    async def tick(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body() or b"{}", type=_Tick)
        except msgspec.DecodeError as error:
            return _refusal(str(error))
        if order.account is not None and order.account not in sandbox.config.accounts:
            return _refusal(f"unknown account {order.account!r}")
        sandbox.advance(order.count, order.account)
        return _json({"tick": sandbox.tick if order.account is None else sandbox.tick_of(order.account)})

    @routes.get("/catalogue/{account}")
    async def catalogue(account: str) -> Response:
        if account not in sandbox.config.accounts:
            return _refusal(f"unknown account {account!r}")
        lines = truth_lines(sandbox.true_catalogue(account))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @routes.get("/faults")
    async def faults() -> Response:
        return _json(sandbox.faults.descriptions())

    @routes.post("/faults")
    async def add_fault(request: Request) -> Response:
        try:
            description = msgspec.json.decode(await request.body(), type=dict[str, Any])
            return _json(sandbox.faults.add(description).description())
        except (FaultError, msgspec.DecodeError) as error:
            return _refusal(str(error))

    @routes.delete("/faults")
    async def clear_faults() -> Response:
        sandbox.faults.clear()
        return _json([])

    @routes.post("/reset-counters")
    async def reset_counters() -> Response:
        sandbox.reset_counters()
        return _json({})

    @routes.post("/reset")
    async def reset(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body() or b"{}", type=_Reset)
        except msgspec.DecodeError as error:
            return _refusal(str(error))
        sandbox.reset(order.tick)
        return _json({"tick": sandbox.tick})

    return routes


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _refusal(message: str) -> Response:
    return Response(msgspec.json.encode({"message": message}), 400, media_type="application/json")
