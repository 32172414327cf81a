"""A browser's page under watch: what it complains about, what it asks for in vain, and who else it asks."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, Response, Route

from include.ozon_local.home import LOOPBACK

_STATUS = re.compile(r"the server responded with a status of (\d+)")


class Watch:
    """Collects ``findings`` about all pages of a context; nothing outside this machine is asked.

    Answers with a status of ``expected`` are no findings.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.expected: set[int] = set()
        self.findings: list[str] = []
        context.route("**/*", self._route)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._add(f"error in a script: {error.error}"))
        context.on("dialog", self._on_dialog)
        context.on("requestfailed", self._on_failed)
        context.on("response", self._on_response)

    def _add(self, finding: str) -> None:
        self.findings.append(finding)

    def _route(self, route: Route) -> None:
        if urlsplit(route.request.url).hostname in (LOOPBACK, "localhost"):
            route.continue_()
            return
        self._add(f"asked another host: {route.request.url}")
        route.abort()

    def _on_console(self, message: ConsoleMessage) -> None:
        status = _STATUS.search(message.text)
        if message.type == "error" and not (status and int(status[1]) in self.expected):
            self._add(f"console: {message.text}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self._add(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_failed(self, request: Request) -> None:
        # The browser ends requests of a page that is left, and hands a download to the disk.
        if request.failure != "net::ERR_ABORTED":
            self._add(f"failed: {request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self._add(f"{response.status}: {response.request.method} {response.url}")


def settled(page: Page) -> None:
    """Wait until the page has loaded, with its scripts, and has drawn its charts."""
    for frame in page.frames:
        frame.wait_for_load_state("load")
        frame.wait_for_function("[...document.querySelectorAll('[data-chart]')].every((each) => each.firstChild)")
