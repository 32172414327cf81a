"""The visibility report in all its formats, from one set of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.reports.visibility_csv import render_csv
from include.ozon.reports.visibility_html import render_html
from include.ozon.reports.visibility_json import render_json
from include.ozon.reports.visibility_text import render_text
from include.ozon.settings import Settings
from include.ozon.settings.monitoring import ReportFormat
from include.ozon.translation import Language, use_language

_RENDERERS: Mapping[str, Callable[[Sequence[VisibilityMetrics], Settings], bytes]] = {
    "text": render_text,
    "json": render_json,
    "csv": render_csv,
    "html": render_html,
}
_SUFFIXES: Mapping[str, str] = {"text": "txt", "json": "json", "csv": "csv", "html": "html"}


def render(
    format: ReportFormat | str,
    metrics: Sequence[VisibilityMetrics],
    settings: Settings,
    language: Language | None = None,
) -> bytes:
    """Return the report of these accounts, in this order; its texts in the language, by default the configured one."""
    with use_language(language or settings.language):
        return _RENDERERS[format](metrics, settings)


def file_name(format: ReportFormat | str, measured_at: datetime) -> str:
    """Return a name by which files are sorted by time: ``visibility-20261124T110500Z.html``."""
    return f"visibility-{measured_at.astimezone(UTC):%Y%m%dT%H%M%SZ}.{_SUFFIXES[format]}"
