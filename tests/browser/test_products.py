"""The view of all products in a browser: search, filters, order, pages, download, and one product's view."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.conftest import Site, Visitor
from tests.support.page_data import SCRIPT
from tests.support.watched_page import settled

View = Page | FrameLocator
PAGE_SIZE = 50


def _open(visit: Visitor, place: str, path: str = "products") -> tuple[Page, View, Locator]:
    opened = visit()
    view: View = opened.framed(path) if place == "frame" else opened.alone(path)
    return opened.page, view, view.locator("table.products tbody tr")


def _listed(site: Site, condition: str = "true") -> str:
    """Return the heading over the listed products of the warehouse that match."""
    count = site.warehouse.value(f"SELECT count(*) FROM ozon.products WHERE removed_at IS NULL AND {condition}")
    return f"{count} products"


def _addresses(rows: Locator) -> list[str | None]:
    return [row.get_attribute("href") for row in rows.locator("td.name > a").all()]


def test_an_article_copied_from_the_page_is_found(visit: Visitor, site: Site) -> None:
    article = site.warehouse.value(
        "SELECT min(offer_id) FROM ozon.products WHERE account = 'main' AND offer_id LIKE '%  %' AND removed_at IS NULL"
    )
    page, view, rows = _open(visit, "alone", "products?account=main")
    view.get_by_label("Search").fill(article)
    view.get_by_label("Search").press("Enter")
    expect(rows).to_have_count(1)
    # As a person sees it: HTML has one space for two.
    assert rows.locator(".article").inner_text() == article
    settled(page)
    rows.locator("td.name > a").click()
    expect(view.locator("h1")).to_be_visible()
    assert view.locator("dd.article").inner_text() == article
    settled(page)


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_search_finds_a_product_by_article_id_and_name(visit: Visitor, site: Site, place: str) -> None:
    page, view, rows = _open(visit, place, "products?account=main")
    article = site.warehouse.value(
        "SELECT min(offer_id) FROM ozon.products WHERE account = 'main' AND offer_id LIKE 'АРТ-%'"
        " AND removed_at IS NULL"
    )
    view.get_by_label("Search").fill(article.lower())
    view.get_by_label("Search").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(article)
    settled(page)
    view.get_by_label("Account").select_option("")
    expect(page).to_have_url(re.compile("account=(&|$)"))
    settled(page)
    for text in (site.path("{product}").partition("/")[2], "script"):
        view.get_by_label("Search").fill(text)
        view.get_by_label("Search").press("Enter")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text(SCRIPT)
        settled(page)
    expect(page).to_have_url(re.compile("q=script"))

    view.get_by_label("Search").fill("no such product")
    view.get_by_label("Search").press("Enter")
    expect(view.get_by_text("No product matches.")).to_be_visible()
    settled(page)


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_filters_count_what_the_warehouse_has(visit: Visitor, site: Site, place: str) -> None:
    page, view, rows = _open(visit, place)
    found = view.locator(".found h1")
    expect(found).to_have_text(_listed(site))

    view.get_by_label("Account").select_option("main")
    expect(found).to_have_text(_listed(site, "account = 'main'"))
    settled(page)
    view.get_by_label("Visibility").select_option("HIDDEN")
    hidden = _listed(site, "account = 'main' AND visibility = 'HIDDEN'")
    assert hidden != "0 products"
    expect(found).to_have_text(hidden)
    expect(rows.first).to_contain_text("Hidden")
    settled(page)
    view.locator("select[name=stock]").select_option("in_stock")
    expect(page).to_have_url(re.compile("stock=in_stock"))
    expect(found).not_to_have_text(hidden)
    settled(page)

    view.get_by_role("link", name="Remove all filters").click()
    expect(found).to_have_text(_listed(site, "account = 'main'"))
    settled(page)


def test_a_click_on_a_title_sorts_and_a_second_one_turns_the_order(visit: Visitor, site: Site) -> None:
    page, view, rows = _open(visit, "alone", "products?account=second")
    price = view.get_by_role("columnheader", name="Price")
    for order, direction in (("descending", "DESC NULLS LAST"), ("ascending", "ASC")):
        price.get_by_role("link").click()
        expect(price).to_have_attribute("aria-sort", order)
        prices = "SELECT price FROM ozon.products WHERE account = 'second' AND removed_at IS NULL"
        best = site.warehouse.value(f"{prices} ORDER BY price {direction} LIMIT 1")
        digits = re.sub(r"\D", "", rows.first.locator("td.n").nth(1).inner_text().split(".")[0].splitlines()[0])
        assert digits == str(best).partition(".")[0]
        settled(page)


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_pages_show_each_product_once(visit: Visitor, site: Site, place: str) -> None:
    page, view, rows = _open(visit, place, "products?account=second")
    seen: list[str | None] = []
    following = view.get_by_role("link", name="Next page")
    while True:
        found = _addresses(rows)
        assert found
        assert not set(found) & set(seen)
        seen += found
        if following.count() == 0:
            break
        assert len(found) == PAGE_SIZE
        following.click()
        expect(rows.first.locator("td.name > a")).not_to_have_attribute("href", found[0] or "")
        settled(page)
    assert f"{len(seen)} products" == _listed(site, "account = 'second'")
    view.get_by_role("link", name="To the beginning").click()
    expect(rows.first.locator("td.name > a")).to_have_attribute("href", seen[0] or "")
    settled(page)


@pytest.mark.parametrize("place", ["frame", "alone"])
def test_the_download_has_what_is_filtered(visit: Visitor, site: Site, place: str) -> None:
    page, view, _ = _open(visit, place, "products?account=main&visibility=out_of_sight")
    with page.expect_download() as waiting:
        view.get_by_role("link", name="Download as CSV").click()
    text = waiting.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert waiting.value.suggested_filename.endswith(".csv")
    shown = re.sub(r"\D", "", view.locator(".found h1").inner_text())
    assert len(rows) == int(shown) > PAGE_SIZE
    assert {row["account"] for row in rows} == {"main"}
    assert "VISIBLE" not in {row["visibility"] for row in rows}
    assert site.path("{product}").partition("/")[0] != "main" or SCRIPT in {row["name"] for row in rows}


def test_a_product_leads_to_its_own_view(visit: Visitor, site: Site) -> None:
    page, _, rows = _open(visit, "alone", "products?q=script")
    rows.get_by_role("link", name=SCRIPT).click()
    expect(page).to_have_url(re.compile(re.escape(site.path("products/{product}"))))
    expect(page.get_by_role("heading", level=1)).to_have_text(SCRIPT)
    expect(page).to_have_title(f"{SCRIPT} · Ozon")
    expect(page.locator(".chart canvas")).to_be_visible()
    assert page.locator("script:not([src]):not([type='application/json']), img").count() == 0
    settled(page)
