"""The visibility report as one HTML file that needs nothing else, from the templates in this folder.

The templates escape every value: the names of products come from the marketplace.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment
from markupsafe import Markup

from include.ozon import translation, words
from include.ozon.marketplace.ozon_seller import product_address
from include.ozon.monitoring.alerts.message import code
from include.ozon.monitoring.metrics import words as texts
from include.ozon.monitoring.metrics.definitions import DEFINITIONS, QUALITY_PARTS, VISIBILITIES
from include.ozon.monitoring.metrics.model import Counts, VisibilityMetrics
from include.ozon.reports import charts
from include.ozon.reports import visibility_sections as sections
from include.ozon.reports.product_columns import SHOWN_COLUMNS, Row
from include.ozon.settings import Settings
from include.ozon.translation import gettext as _

MOST_BYTES = 2_000_000
"""The size up to which mail servers take the file as an attachment, and phones open it."""

# The products that can be unfolded below the first ones of each list: as many as the size allows.
_UNFOLDED_AT_MOST = (1000, 750, 500, 250, 100, 50, 20, 0)
_LISTED_REASONS = 20
_CHARTED_REASONS = 8
_ASSETS = "include.ozon.reports.assets"
_ALL_DEFINITIONS = {**{str(name): each for name, each in VISIBILITIES.items()}, **DEFINITIONS, **QUALITY_PARTS}
_IN_GLOSSARY = (
    *map(str, VISIBILITIES), "products", "out_of_sight", "visible_points", "turned_invisible", "turned_visible",
    "removed", "in_stock", "hidden_with_stock", "visible_without_stock", "hidden_units", "hidden_money",
    "lost_per_day", "known_sales", "longest_hidden", "top_reasons", "quality", *QUALITY_PARTS,
)  # fmt: skip


def render_html(reported: Sequence[VisibilityMetrics], settings: Settings) -> bytes:
    """Return the report in the current language; of long lists, as many products as the file's size allows."""
    for unfolded_at_most in _UNFOLDED_AT_MOST:
        content = _rendered(reported, settings, unfolded_at_most)
        if len(content) <= MOST_BYTES:
            break
    return content


def _rendered(reported: Sequence[VisibilityMetrics], settings: Settings, unfolded_at_most: int) -> bytes:
    measured_at = max((metrics.measured_at for metrics in reported), default=None)
    template = _templates().get_template("visibility.html")
    return template.render(
        reported=reported,
        settings=settings,
        language=translation.current_language(),
        title=_("Ozon visibility, {moment}").format(moment=words.moment(measured_at, settings)),
        glossary=[_ALL_DEFINITIONS[name] for name in _IN_GLOSSARY],
        unfolded_at_most=unfolded_at_most,
    ).encode()


def _history_counts(metrics: VisibilityMetrics) -> list[tuple[datetime, Counts]]:
    return [
        *((point.measured_at, point.counts) for point in metrics.history),
        (metrics.measured_at, metrics.counts),
    ]


def _history_shares(metrics: VisibilityMetrics) -> list[tuple[datetime, float]]:
    points = [*((point.measured_at, point.visible_pct) for point in metrics.history)]
    return [(at, share) for at, share in (*points, (metrics.measured_at, metrics.visible_pct)) if share is not None]


def _charted_reasons(metrics: VisibilityMetrics) -> list[tuple[str, int]]:
    return [(words.one_line(each.text, 80), each.products) for each in metrics.top_reasons[:_CHARTED_REASONS]]


def _unbroken(value: str) -> str:
    """Return a number with its unit that can wrap only before the unit."""
    return value.replace(" ", "\u00a0", value.count(" ") - 1)


def _csp_hash(text: str) -> Markup:
    """Return the source by which a content security policy allows an inline style or script."""
    digest = hashlib.sha256(text.encode()).digest()
    return Markup(f"'sha256-{base64.b64encode(digest).decode()}'")  # noqa: S704 (base64)


@cache
def _asset(name: str) -> Markup:
    return Markup((files(_ASSETS) / name).read_text(encoding="utf-8"))  # noqa: S704 (a file of the package)


@cache
def _charts_script() -> Markup:
    """Return the library and the script that draws with it, as one script."""
    return _asset("vendor/echarts.common.min.js") + Markup("\n") + _asset("charts.js")


@cache
def _charts_packed() -> str:
    """Return the same in a third of its size."""
    return base64.b64encode(gzip.compress(_charts_script().encode(), mtime=0)).decode()


@cache
def _templates() -> Environment:
    environment = translation.templates_of("include.ozon.reports")
    environment.filters |= {"unbroken": _unbroken, "code": code, "csp_hash": _csp_hash}
    environment.globals |= {
        "asset": _asset,
        "charts_script": _charts_script(),
        "columns": SHOWN_COLUMNS,
        "charts_packed": _charts_packed(),
        "charts": charts,
        "charted_reasons": _charted_reasons,
        "definitions": _ALL_DEFINITIONS,
        "history_counts": _history_counts,
        "history_shares": _history_shares,
        "listed_reasons": _LISTED_REASONS,
        "product_row": Row,
        "product_address": product_address,
        "sections": sections,
        "texts": texts,
        "words": words,
    }
    return environment
