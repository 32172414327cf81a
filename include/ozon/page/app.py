"""The page's application: its routes, its security headers, and a designed answer for each error."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from include.ozon.errors import OzonError
from include.ozon.page import overview, product, products, run, runs
from include.ozon.page.access import Admit
from include.ozon.page.problems import HANDLED, problem_page
from include.ozon.page.rendering import STATIC, language_of, static_file
from include.ozon.page.sessions import Sessions
from include.ozon.page.view import Parts, visitor
from include.ozon.settings import Settings
from include.ozon.translation import use_language
from include.ozon.warehouse.session import Connect

logger = logging.getLogger("ozon.page")

# Scripts and styles come from files of this package only, and no other site may show the page in a frame.
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_NOT_STORED = {"Cache-Control": "no-store"}
# The address of a file changes with its content.
_STORED = {"Cache-Control": "private, max-age=31536000, immutable"}


def create_app(*, admit: Admit, connect: Connect, load_settings: Callable[[], Settings]) -> FastAPI:
    """Return the application, which answers only visitors whom ``admit`` returns."""
    sessions = Sessions(connect)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        sessions.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.parts = Parts(admit, connect, sessions, load_settings)
    for view in (overview, products, product, runs, run):
        app.include_router(view.router)
    app.add_api_route("/static/{name}", _static, methods=["GET"], dependencies=[Depends(visitor)])
    for kind in HANDLED:
        app.add_exception_handler(kind, problem_page)
    app.middleware("http")(_serve)
    return app


async def _serve(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer in the visitor's language, with the security headers; an unexpected error shows no detail."""
    parts: Parts = request.app.state.parts
    try:
        request.state.settings = parts.load_settings()
        with use_language(language_of(request, request.state.settings)):
            response = await call_next(request)
    except Exception as error:  # the reader gets a page, the engineer the log
        if not isinstance(error, OzonError):
            logger.exception("The page failed at %s", request.url.path)
        response = await problem_page(request, error)
    for name, value in (_NOT_STORED | _SECURITY).items():
        response.headers.setdefault(name, value)
    return response


async def _static(name: str) -> Response:
    if name not in STATIC:
        raise HTTPException(404)
    media_type = mimetypes.guess_type(name)[0]
    return Response(static_file(name), media_type=media_type, headers=_STORED)
