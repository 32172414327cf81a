"""The HTML report in a real browser without a network: charts, themes, definitions, paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from include.ozon.configuration import load_settings
from include.ozon.reports.visibility import render
from include.ozon.translation import LANGUAGES, Language
from tests.support.metrics import metrics, product

SETTINGS = load_settings(environment="testing", environ={})
ATTACK = "<script>document.title = 'attacked'</script><img src=x onerror=\"document.title = 'attacked'\">"
REPORTED = metrics(
    transitions=replace(metrics().transitions, turned_invisible=(product(name=ATTACK, reasons=(ATTACK,)),)),
)
# More than one colour: something is drawn.
_COLOURS = """canvas => new Set(new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""


@dataclass
class Opened:
    """The report in a browser, with what went wrong in it."""

    page: Page
    findings: list[str]


Open = Callable[..., Opened]


@pytest.fixture
def open_report(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    contexts = []

    def open_it(language: Language = "en", width: int = 1280, **options: Any) -> Opened:
        file = tmp_path / f"{language}.html"
        file.write_bytes(render("html", [REPORTED], SETTINGS, language))
        context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        contexts.append(context)
        opened = Opened(context.new_page(), [])
        opened.page.on("console", lambda message: opened.findings.append(message.text))
        opened.page.on("pageerror", lambda error: opened.findings.append(str(error)))
        opened.page.on(
            "request", lambda request: opened.findings.append(request.url) if request.url != address else None
        )
        address = file.as_uri()
        opened.page.goto(address)
        opened.page.wait_for_selector("html[data-charts=drawn]", state="attached")
        return opened

    yield open_it
    for context in contexts:
        context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_the_charts_are_drawn_and_nothing_else_is_loaded(open_report: Open, language: Language, width: int) -> None:
    opened = open_report(language, width)
    canvases = opened.page.locator("canvas").all()
    assert len(canvases) == 4
    assert all(canvas.evaluate(_COLOURS) > 2 for canvas in canvases)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.findings == []


def test_a_name_runs_nothing_and_the_policy_refuses_every_other_script(open_report: Open) -> None:
    opened = open_report()
    assert opened.page.title() == "Ozon visibility, 2026-11-24 08:10 MSK"
    expect(opened.page.get_by_text(ATTACK).first).to_be_visible()
    opened.page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'document.title = 1';"
        " document.head.append(script); }"
    )
    assert opened.page.title() == "Ozon visibility, 2026-11-24 08:10 MSK"
    assert any("Content Security Policy" in finding for finding in opened.findings)


def test_a_definition_is_shown_on_touch_and_by_keyboard(open_report: Open) -> None:
    page = open_report(width=390, has_touch=True).page
    term = page.locator(".tiles .term", has_text="Lost sales per day")
    expect(term.locator(".tip")).to_be_hidden()
    term.tap()
    expect(term.locator(".tip")).to_be_visible()
    page.locator("h1").tap()
    expect(term.locator(".tip")).to_be_hidden()
    page.keyboard.press("Tab")
    expect(page.locator(".term:focus .tip")).to_be_visible()


def test_it_is_dark_as_the_system_and_light_on_paper(open_report: Open) -> None:
    opened = open_report(color_scheme="dark")
    page = opened.page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 27)"
    page.evaluate(
        "addEventListener('beforeprint', () => { window.onPaper = getComputedStyle(document.body).backgroundColor; })"
    )
    with_charts = page.pdf()
    assert page.evaluate("window.onPaper") == "rgb(255, 255, 255)"
    page.evaluate("document.querySelectorAll('.chart').forEach(chart => chart.remove())")
    assert len(with_charts) > len(page.pdf()) + 1000
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 27)"
    assert opened.findings == []
