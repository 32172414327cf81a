"""The views of the page, and the ways in which the tests look at each."""

from __future__ import annotations

from tests.support.page_data import RUNS

VIEWS = {
    "overview": "",
    "products": "products",
    "product": "products/{product}",
    "runs": "runs",
    "run": f"runs/{RUNS[-1]}/main",
}
"""Name and path below the page's address; ``{product}`` stands for the product named like a script."""

LANGUAGES = {"en": "en-US", "ru": "ru-RU"}
"""The language of the page by that of the browser."""

THEMES = ("light", "dark")

WIDTHS = {390: 844, 1440: 900, 1920: 1080}
"""Width and height of a phone, a laptop and a large screen."""
