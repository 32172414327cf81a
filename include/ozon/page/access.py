"""The people who look at the page, and what they may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request


@dataclass(frozen=True)
class Visitor:
    """A signed-in person who may see the DAGs; ``may_acknowledge`` if they may also edit them."""

    name: str
    may_acknowledge: bool


Admit = Callable[..., Awaitable[Visitor]]
"""A FastAPI dependency that returns the visitor. Raises NotSignedInError or NotAllowedError."""


class NotSignedInError(Exception):
    """The request has no valid sign-in."""


class NotAllowedError(Exception):
    """The visitor is signed in, but may not see or do this."""


def is_from_this_page(request: Request) -> bool:
    """Return whether a page of this host sent the request; a form on another site carries the visitor's cookie too.

    Browsers state it in ``Sec-Fetch-Site``; older ones only in ``Origin``.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = request.headers.get("origin")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host")
