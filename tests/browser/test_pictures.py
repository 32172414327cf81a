"""The pictures of README and docs: the page in the Airflow of `make demo`. Taken only with `--pictures`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, FrameLocator, Page

from include.ozon_local.demo.timeline import SHOP
from include.ozon_local.home import ROOT
from tests.support import scratch
from tests.support.make import make
from tests.support.png import reduced
from tests.support.watched_page import Watch, settled

pytestmark = [pytest.mark.pictures, pytest.mark.timeout(1200)]

IMAGES = ROOT / "docs" / "images"
_DEMO_SECONDS = 900
_TIMEOUT_MS = 60_000


@pytest.fixture
def signed_in(chromium: Browser) -> Iterator[Page]:
    """A browser signed in to the Airflow of `make demo`, at its page "Ozon"."""
    home = scratch.new_folder("pictures")
    try:
        # In the order of docs/first-steps.md.
        for target in ("run", "demo"):
            done = make(target, home, timeout_seconds=_DEMO_SECONDS)
            assert done.returncode == 0, done.stdout + done.stderr
        shown = re.search(r"^Airflow +(\S+) \(user (\S+), password (\S+)\)$", done.stdout, re.MULTILINE)
        assert shown, done.stdout
        url, user, password = shown.groups()
        answer = requests.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=30)
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        context.set_default_timeout(_TIMEOUT_MS)
        context.add_cookies([{"name": "_token", "value": answer.json()["access_token"], "url": url, "sameSite": "Lax"}])
        watch = Watch(context)
        page = context.new_page()
        page.goto(f"{url}/plugin/ozon")
        yield page
        context.close()
        assert watch.findings == []
    finally:
        make("down", home)


def test_pictures(signed_in: Page) -> None:
    view = signed_in.frame_locator("iframe")
    view.locator("select[name=account]").select_option(SHOP)
    _take(signed_in, view, "page-en")
    view.get_by_role("link", name="RU", exact=True).click()
    view.locator("html[lang=ru]").wait_for()
    _take(signed_in, view, "page-ru")
    view.get_by_role("link", name="EN", exact=True).click()
    view.locator("html[lang=en]").wait_for()
    view.get_by_role("link", name="Products", exact=True).click()
    view.locator("table.products").wait_for()
    _take(signed_in, view, "products-en")
    view.get_by_role("link", name="Overview", exact=True).click()
    view.locator(".turned details[open] td a").first.click()
    view.locator(".chart.history").wait_for()
    _take(signed_in, view, "product-en")


def _take(page: Page, view: FrameLocator, name: str) -> None:
    # Airflow's frame selects the account with a new page.
    view.locator(f"select[name=account] option[value={SHOP}][selected]").wait_for(state="attached")
    settled(page)
    page.mouse.move(0, 0)
    path: Path = IMAGES / f"{name}.png"
    path.write_bytes(reduced(page.screenshot(animations="disabled")))
    assert path.stat().st_size <= 250_000
