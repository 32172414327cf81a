"""The warehouse stops while the page is open."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site, Visitor
from tests.support.watched_page import settled

MOST_SECONDS = 3.0


@pytest.fixture
def stopped_at_end(site: Site) -> Iterator[Site]:
    yield site
    site.server.start()


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_the_page_says_so_within_three_seconds_and_recovers(
    visit: Visitor, stopped_at_end: Site, incident: str, place: str
) -> None:
    site = stopped_at_end
    opened = visit()
    opened.watch.expected = {503}
    view = opened.framed() if place == "frame" else opened.alone()
    problem = view.get_by_role("heading", name="The warehouse does not answer")

    site.server.stop()
    started = time.monotonic()
    if place == "frame":
        view.get_by_role("link", name="Overview").click()
    else:
        opened.page.reload()
    expect(problem).to_be_visible()
    seconds = time.monotonic() - started

    assert seconds < MOST_SECONDS
    text = view.locator("body").inner_text()
    assert "Nothing is lost" in text
    for secret in ("Traceback", "postgresql://", "password", site.server.address):
        assert secret not in text

    site.server.start()
    opened.page.reload()
    expect(view.get_by_role("heading", name="1 open incident")).to_be_visible()
    settled(opened.page)


def test_an_acknowledgement_meanwhile_is_not_lost_silently(visit: Visitor, stopped_at_end: Site, incident: str) -> None:
    site = stopped_at_end
    opened = visit()
    opened.watch.expected = {503}
    page = opened.alone()
    site.server.stop()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("heading", name="The warehouse does not answer")).to_be_visible()

    site.server.start()
    opened.alone()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()
