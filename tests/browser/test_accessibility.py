"""Use of the page by keyboard and screen reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.views import LANGUAGES, THEMES, VIEWS, WIDTHS
from tests.support.axe import serious_findings

_MOST_STOPS = 60
_FOCUSED = """() => {
  const at = document.activeElement;
  const name = at.getAttribute("aria-label") || at.labels?.[0]?.textContent || at.textContent || at.placeholder;
  return `${at.tagName.toLowerCase()}${at.className ? "." + at.className : ""} ${name.trim().replace(/\\s+/g, " ")}`;
}"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_has_no_serious_finding(visit: Visitor, incident: str, width: int, theme: str, language: str) -> None:
    opened = visit(width=width, height=WIDTHS[width], color_scheme=theme, locale=LANGUAGES[language])
    found = {}
    for name, path in VIEWS.items():
        page = opened.alone(path)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        found[name] = serious_findings(page)
    assert found == {name: [] for name in VIEWS}


def test_axe_has_no_serious_finding_on_a_problem_page(visit: Visitor) -> None:
    opened = visit(user=None)
    opened.watch.expected = {401}
    assert serious_findings(opened.alone()) == []


def test_axe_finds_what_is_wrong(visit: Visitor) -> None:
    page = visit().alone()
    page.locator("select").first.evaluate("(select) => select.closest('label').querySelector('span').remove()")
    assert "select-name (critical)" in serious_findings(page)[0]


def test_the_keyboard_reaches_everything_in_order(visit: Visitor, incident: str) -> None:
    page = visit().alone()
    stops = _stops(page)
    assert stops[0] == "a.skip Skip to the content"
    wanted = [
        "a Overview",
        "a Products",
        "a Runs",
        "select Account",
        "select Period",
        "a EN",
        "a RU",
        "summary products out of date",
        "input Note",
        "button Acknowledge",
        "span.term In stock, but out of sight",
        "summary Товар в архиве",
        "a Ozon Seller",
    ]
    found = [next((at for at, stop in enumerate(stops) if stop.startswith(each)), None) for each in wanted]
    assert None not in found, "\n".join([str(dict(zip(wanted, found, strict=True))), *stops])
    assert [at for at in found if at is not None] == sorted(at for at in found if at is not None)


def test_the_skip_link_leads_to_the_content(visit: Visitor, incident: str) -> None:
    page = visit().alone()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_details_definitions_and_acknowledgement_work_by_keyboard(visit: Visitor, incident: str) -> None:
    page = visit().alone()
    summary = page.locator(".incidents summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".incidents details").first).to_have_attribute("open", "")

    term = page.locator(".cost .term").first
    term.focus()
    expect(term.get_by_role("tooltip")).to_be_visible()

    page.get_by_label("Note").focus()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator(".incidents li").first).to_contain_text("By keyboard")


def _stops(page: Page) -> list[str]:
    """Return the elements that the Tab key reaches, in order, up to the end of the page."""
    stops: list[str] = []
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUSED)
        if stop.startswith("body"):
            break
        stops.append(stop)
    return stops
