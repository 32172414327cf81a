"""Screenshots of every view, kept in ``.local/browser`` as CI output, and no view wider than its window."""

from __future__ import annotations

import pytest

from tests.browser.conftest import SCREENSHOTS, Visitor
from tests.browser.views import LANGUAGES, THEMES, VIEWS, WIDTHS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_screenshots(visit: Visitor, incident: str, width: int, theme: str, language: str) -> None:
    opened = visit(width=width, height=WIDTHS[width], color_scheme=theme, locale=LANGUAGES[language])
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, path in VIEWS.items():
        page = opened.alone(path)
        page.screenshot(
            path=SCREENSHOTS / f"{name}-{language}-{theme}-{width}.png", full_page=True, animations="disabled"
        )
        root = page.locator("html")
        overflow = root.evaluate("(root) => root.scrollWidth - root.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px wider than the window of {width} px"


def test_screenshot_in_airflow(visit: Visitor, incident: str) -> None:
    opened = visit()
    opened.framed()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    opened.page.screenshot(path=SCREENSHOTS / "frame-en-light-1440.png", animations="disabled")
