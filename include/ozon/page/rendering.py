"""Jinja2 templates, the visitor's language, and addresses that keep the state of the view."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any

from babel import negotiate_locale
from jinja2 import Environment
from starlette.datastructures import URL, QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse

from include.ozon import translation, words
from include.ozon.marketplace.ozon_seller import product_address
from include.ozon.monitoring.metrics.definitions import DEFINITIONS, visibility_title
from include.ozon.page.access import Visitor
from include.ozon.reports.run_definitions import RUN_DEFINITIONS
from include.ozon.settings import Settings
from include.ozon.translation import LANGUAGES, Language

STATIC: Mapping[str, str] = {
    "page.css": "include.ozon.page.static",
    "products.css": "include.ozon.page.static",
    "page.js": "include.ozon.page.static",
    "theme.js": "include.ozon.page.static",
    "runs.css": "include.ozon.page.static",
    "palette.css": "include.ozon.reports.assets",
    "charts.js": "include.ozon.reports.assets",
    "echarts.common.min.js": "include.ozon.reports.assets.vendor",
}
"""The files that the page serves, each with its package."""

PERIODS_DAYS = (7, 30, 90)

# Kept in every link, so that a view can be sent to somebody.
_KEPT = ("account", "days", "lang")


def page(request: Request, template: str, settings: Settings, visitor: Visitor | None, **values: Any) -> HTMLResponse:
    """Return the rendered template in the current language."""
    context = {
        "request": request,
        "settings": settings,
        "visitor": visitor,
        "language": translation.current_language(),
        "link": partial(link, request),
        "here": lambda **changes: str(request.url.include_query_params(**changes).replace(scheme="", netloc="")),
        "asset": lambda name: f"{_root(request)}/static/{name}?v={_version(name)}",
        **values,
    }
    return HTMLResponse(_templates().get_template(template).render(context))


def bare_page(template: str, status: int, **values: Any) -> HTMLResponse:
    """Return a rendered template that needs neither settings nor a visitor."""
    context = {"language": translation.current_language(), **values}
    return HTMLResponse(_templates().get_template(template).render(context), status)


def language_of(request: Request, settings: Settings) -> Language:
    """Return the language of the address (``lang``), or the one that the browser prefers, or the configured one."""
    preferred = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    asked = request.query_params.get("lang", "")
    found = asked if asked in LANGUAGES else negotiate_locale(preferred, LANGUAGES, sep="-")
    return next((each for each in LANGUAGES if each == found), settings.language)


def link(request: Request, path: str, **changes: Any) -> str:
    """Return the address of a view: ``path`` below the page's, with the state of this view and ``changes``.

    A change to None removes a parameter.
    """
    parameters = {name: request.query_params[name] for name in _KEPT if name in request.query_params} | changes
    kept = QueryParams({name: str(value) for name, value in parameters.items() if value not in (None, "")})
    return str(URL(f"{_root(request)}/{path.lstrip('/')}").replace(query=str(kept)))


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root


@cache
def static_file(name: str) -> bytes:
    return (files(STATIC[name]) / name).read_bytes()


@cache
def _version(name: str) -> str:
    """Return a name's version for the address, so that a browser may keep the file."""
    return hashlib.sha256(static_file(name)).hexdigest()[:12]


@cache
def _templates() -> Environment:
    environment = translation.templates_of("include.ozon.page")
    environment.globals |= {
        "words": words,
        "definitions": {**DEFINITIONS, **RUN_DEFINITIONS},
        "visibility_title": visibility_title,
        "ozon_seller": product_address,
        "periods": PERIODS_DAYS,
    }
    return environment
