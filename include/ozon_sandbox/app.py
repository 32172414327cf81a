"""The sandbox as a web application: Ozon's methods, the reports' files, and the admin address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from include.ozon_sandbox import admin, errors
from include.ozon_sandbox.auth import account_of
from include.ozon_sandbox.calls import Call, Method
from include.ozon_sandbox.errors import ApiError
from include.ozon_sandbox.faults.base import Fault
from include.ozon_sandbox.faults.registry import effects_of
from include.ozon_sandbox.methods import METHODS, OBSOLETE
from include.ozon_sandbox.sandbox import Sandbox

_HTML = "<html><head><title>{status}</title></head><body><center><h1>{status} {message}</h1></center></body></html>"


def create_app(sandbox: Sandbox) -> FastAPI:
    app = FastAPI(title="Ozon Seller API sandbox", openapi_url=None)
    for method in METHODS.values():
        app.add_api_route(method.path, _Endpoint(sandbox, method).serve, methods=["POST"])
    for path in OBSOLETE:
        app.add_api_route(path, _Endpoint(sandbox, Method(path, None, _obsolete)).serve, methods=["POST"])
    app.add_api_route("/reports/{code}.csv", _download(sandbox), methods=["GET"], response_model=None)
    app.include_router(admin.router(sandbox))
    app.add_exception_handler(HTTPException, _unknown_address)
    return app


class _Endpoint:
    """The processing of one method's requests."""

    def __init__(self, sandbox: Sandbox, method: Method) -> None:
        self._sandbox = sandbox
        self._method = method

    async def serve(self, request: Request) -> Response:
        limits, answers = self._sandbox.limits, self._sandbox.answers
        try:
            response = await self._answer(request)
        except ApiError as error:
            response = _error_response(error)
        client_id = request.headers.get("client-id", "")
        response.headers["Ratelimit-Remaining"] = str(limits.remaining(client_id))
        answers[response.status_code] += 1
        return response

    async def _answer(self, request: Request) -> Response:
        sandbox, method = self._sandbox, self._method
        name = account_of(request.headers, sandbox.config.accounts)
        account = sandbox.config.accounts[name]
        sandbox.requests[name, method.path] += 1
        sandbox.limits.admit(account.client_id, method.path)
        faults = sandbox.faults.firing(name, method.path, sandbox.tick_of(name))
        for fault in faults:
            await fault.before()
        effects = effects_of(faults)
        call = Call(
            account_name=name,
            account=account,
            base_url=str(request.base_url).rstrip("/"),
            catalogue=sandbox.catalogue(name, effects),
            reports=sandbox.reports,
            request=_decoded(method, request, await request.body()),
        )
        for fault in faults:
            call.request = fault.request(call.request)
        response = Response(await run_in_threadpool(_rendered, call, method, faults), media_type="application/json")
        for fault in faults:
            response = fault.response(response)
        return response


def _decoded(method: Method, request: Request, body: bytes) -> object:
    if method.request is None:
        return None
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise errors.bad_request()
    try:
        return msgspec.json.decode(body, type=method.request, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.bad_request() from error


def _rendered(call: Call, method: Method, faults: list[Fault]) -> bytes:
    answer = method.answer(call)
    for fault in faults:
        fault.answer(call, method, answer)
    body = msgspec.json.encode(answer)
    for fault in faults:
        body = fault.body(body)
    return body


def _obsolete(_: Call) -> dict[str, object]:
    raise errors.method_obsolete()


def _error_response(error: ApiError) -> Response:
    if error.html:
        page = _HTML.format(status=error.status, message=error.message)
        return Response(page, error.status, error.headers, media_type="text/html")
    body: dict[str, object] = {"message": error.message}
    if error.code is not None:
        body = {"code": error.code, **body, "details": []}
    return Response(msgspec.json.encode(body), error.status, error.headers, media_type="application/json")


async def _unknown_address(_: Request, error: Exception) -> Response:
    status, message = (error.status_code, str(error.detail)) if isinstance(error, HTTPException) else (500, "Not Found")
    return _error_response(ApiError(status, 12 if status == 405 else 5, message))


def _download(sandbox: Sandbox) -> Callable[[str], Awaitable[Response]]:
    async def download(code: str) -> Response:
        report = sandbox.reports.find(code)
        if report is None:
            return _error_response(errors.not_found("Report"))
        return StreamingResponse(report.lines(), media_type="text/csv; charset=utf-8")

    return download
