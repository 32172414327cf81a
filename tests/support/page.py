"""The page, mounted as Airflow mounts it, with a visitor and a warehouse that a test chooses; and its HTML, parsed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient

from include.ozon.page.access import Visitor
from include.ozon.page.app import create_app
from include.ozon.page.view import Parts
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connection

ROOT = "/ozon"
_APART = {"td", "th", "tr", "li", "p", "small", "dt", "dd", "h1", "h2", "h3", "span", "summary"}
_FOREIGN = ("javascript:", "data:", "//")
FROM_THIS_PAGE = {"sec-fetch-site": "same-origin"}

VIEWER = Visitor("Vera", may_acknowledge=False)
EDITOR = Visitor("Egor <script>alert(1)</script>", may_acknowledge=True)


@dataclass
class Page:
    """The page under `ROOT`; ``visitor`` is who asks, or the exception that the sign-in raises."""

    client: TestClient
    app: FastAPI
    settings: Settings
    connect: Callable[[], Connection]
    visitor: Visitor | Exception = EDITOR

    def get(self, path: str = "/", **options: Any) -> Any:
        """Return the answer to a request for ``path`` below the page's address, without following redirects."""
        return self.client.get(ROOT + path, follow_redirects=False, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.client.post(ROOT + path, follow_redirects=False, **options)


@contextmanager
def open_page(dsn: str, settings: Settings) -> Iterator[Page]:
    """Serve the page with this warehouse; every session of its pool is closed at the end."""
    found: list[Page] = []

    async def admit(_: Request) -> Visitor:
        if isinstance(found[0].visitor, Exception):
            raise found[0].visitor
        return found[0].visitor

    def connect() -> Connection:
        return found[0].connect()

    app = create_app(admit=admit, connect=connect, load_settings=lambda: found[0].settings)
    around = FastAPI()
    around.mount(ROOT, app)
    with TestClient(around, raise_server_exceptions=False) as client:
        found.append(Page(client, app, settings, lambda: psycopg.connect(dsn)))
        yield found[0]
    parts: Parts = app.state.parts
    # The pool logs each failed attempt to connect.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    parts.sessions.close()


@dataclass
class Html(HTMLParser):
    """The elements of a document: each with its attributes, and the texts of scripts and styles."""

    document: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in _APART:
            self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self, address: str) -> set[str]:
        """Return the addresses below the page's to which it links."""
        found = {urljoin(address, href) for a in self.all("a") if (href := a.get("href")) and href[0] != "#"}
        return {link for link in found if urlsplit(link).path.startswith(f"{ROOT}/") and not urlsplit(link).netloc}

    def forbidden(self, nonce: str = "") -> list[str]:
        """Return everything that the content security policy forbids."""
        found = []
        for tag, attributes in self.elements:
            if tag == "script" and not attributes.get("src") and attributes.get("type") != "application/json":
                found.append("an inline script")
            if tag == "style" and not (nonce and attributes.get("nonce") == nonce):
                found.append("an inline style")
            found += [f"{tag} {name}" for name in attributes if name == "style" or name.startswith("on")]
            found += [
                f"{tag} {name}={value}"
                for name, value in attributes.items()
                if name in {"href", "src", "action"}
                and (value or "").lower().startswith(("javascript:", "data:", "//"))
            ]
        return found
