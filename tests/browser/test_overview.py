"""The overview in a browser: filters, language, theme, acknowledgement, definitions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import VIEWER, Visitor
from tests.support.page_data import SCRIPT
from tests.support.watched_page import settled

View = Page | FrameLocator


def _open(visit: Visitor, place: str, **options: Any) -> tuple[Page, View]:
    opened = visit(**options)
    view = opened.framed() if place == "frame" else opened.alone()
    return opened.page, view


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_the_address_holds_the_filters(visit: Visitor, place: str) -> None:
    page, view = _open(visit, place)
    accounts = view.locator(".freshness tbody tr")
    expect(accounts).to_have_count(2)

    view.get_by_label("Account").select_option("second")
    page.wait_for_url(re.compile("account=second"))
    expect(accounts).to_have_count(1)
    settled(page)
    view.get_by_label("Period").select_option("7")
    page.wait_for_url(re.compile("account=second&days=7"))

    page.reload()
    expect(view.get_by_label("Account")).to_have_value("second")
    expect(view.get_by_label("Period")).to_have_value("7")
    expect(accounts).to_have_count(1)


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_back_shows_the_former_view_with_its_filters(visit: Visitor, place: str) -> None:
    page, view = _open(visit, place)
    view.get_by_label("Account").select_option("second")
    expect(view.locator(".freshness tbody tr")).to_have_count(1)

    page.go_back()

    expect(view.locator(".freshness tbody tr")).to_have_count(2)
    expect(view.get_by_label("Account")).to_have_value("")


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_the_language_is_the_browsers_and_can_be_switched(visit: Visitor, place: str) -> None:
    opened = visit(locale="ru-RU")
    view: View = opened.framed() if place == "frame" else opened.alone()
    html = view.locator("html")
    expect(html).to_have_attribute("lang", "ru")
    expect(view.get_by_role("link", name="Товары", exact=True)).to_be_visible()

    view.get_by_role("link", name="EN").click()
    expect(html).to_have_attribute("lang", "en")
    settled(opened.page)
    view.get_by_label("Period").select_option("7")
    opened.page.wait_for_url(re.compile("days=7"))
    expect(html).to_have_attribute("lang", "en")


def test_the_theme_follows_airflows_at_once(visit: Visitor) -> None:
    page, view = _open(visit, "frame")
    html = view.locator("html")
    expect(html).to_have_attribute("data-theme", "light")
    background = view.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")

    page.get_by_role("button", name="User").click()
    page.get_by_text("Appearance", exact=True).hover()
    page.get_by_role("menuitem", name="Dark Mode").or_(page.get_by_text("Dark Mode", exact=True)).first.click()

    expect(html).to_have_attribute("data-theme", "dark")
    assert view.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor") != background


def test_without_a_choice_in_airflow_the_theme_is_the_systems(visit: Visitor) -> None:
    page, view = _open(visit, "alone", color_scheme="dark")
    expect(view.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(view.locator("html")).to_have_attribute("data-theme", "light")


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_an_editor_acknowledges_an_incident(visit: Visitor, incident: str, place: str) -> None:
    page, view = _open(visit, place)
    shown = view.locator(".incidents li").first
    expect(view.get_by_role("heading", name="1 open incident")).to_be_visible()

    shown.get_by_label("Note").fill(f"Looking into it {SCRIPT}")
    shown.get_by_role("button", name="Acknowledge").click()

    expect(shown).to_contain_text(f"admin takes care of it: Looking into it {SCRIPT}", ignore_case=True)
    expect(shown.get_by_role("button")).to_have_count(0)
    settled(page)


def test_a_viewer_sees_the_incident_and_cannot_acknowledge(visit: Visitor, incident: str) -> None:
    _, view = _open(visit, "alone", user=VIEWER)
    shown = view.locator(".incidents li").first
    expect(shown).to_contain_text("nobody takes care of it yet")
    expect(shown.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_a_product_named_like_a_script_is_text(visit: Visitor, incident: str, place: str) -> None:
    """A dialog, or an inline script that the security policy stops, is a finding of the watch."""
    page, view = _open(visit, place)
    expect(view.locator(".turned a", has_text=SCRIPT)).to_have_count(1)
    view.locator(".incidents summary").first.click()
    expect(view.locator(".incidents")).to_contain_text(SCRIPT)
    assert view.locator("script:not([src]):not([type='application/json']), img").count() == 0
    settled(page)


def test_a_number_says_what_it_means(visit: Visitor) -> None:
    _, view = _open(visit, "alone")
    term = view.locator(".cost .term").first
    tip = term.get_by_role("tooltip")
    expect(tip).to_be_hidden()
    term.hover()
    expect(tip).to_be_visible()
    view.locator("h2").first.hover()
    expect(tip).to_be_hidden()


def test_links_to_ozon_seller_open_a_new_tab_from_the_frame(visit: Visitor) -> None:
    opened = visit()
    view = opened.framed()
    with opened.context.expect_page() as new:
        view.locator(".turned details[open] a[target=_blank]").first.click()
    assert new.value.url.startswith(("https://seller.ozon.ru/app/products/", "chrome-error:", "about:blank"))
    # The only request that may leave this machine: the one that the person asked for.
    assert {each.partition("https://")[2].partition("/")[0] for each in opened.watch.findings} == {"seller.ozon.ru"}
    opened.watch.findings.clear()
