"""The health report as text and JSON.

The JSON has:

- ``environment``, ``measured_at`` (ISO 8601), ``summary`` (one sentence)
- ``status``: the overall state, ``ok``, ``warning``, ``critical``, ``error`` or ``unknown``; ``exit_code``: 0, 1, 2,
  and 3 for the last two
- ``counts``: the number of checks by status; ``unknown`` had nothing to measure yet, ``error`` failed itself
- ``areas``: for each, its ``area``, ``status`` and ``checks``
- a check: ``check`` (the name of its rule), ``account`` (null for what concerns all), ``status``, ``value`` and
  ``threshold`` (numbers or null; the unit is in the rule's name), ``message`` and
  ``duration_seconds``
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from include.ozon.monitoring.health.summary import HealthSummary
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.settings import Settings
from include.ozon.words import amount, moment

STATUS_STYLES = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.CRITICAL: "bold red",
    Status.ERROR: "magenta",
    Status.UNKNOWN: "cyan",
}


def health_text(summary: HealthSummary, settings: Settings, *, only_problems: bool = False) -> RenderableType:
    """Return a line for each check, by area, and the summary's sentence.

    ``only_problems`` leaves out checks that are ok or had nothing to measure. Checks of an area that could not be
    measured for the same reason share a line.
    """
    closing = Text(summary.sentence, style=STATUS_STYLES[summary.status])
    shown = [result for result in summary.results if not only_problems or _is_problem(result)]
    if not shown:
        return closing
    table = Table(
        title=f"Health of {settings.environment}, {moment(summary.measured_at, settings)}", title_justify="left"
    )
    for heading in ("area", "check", "account", "status"):
        table.add_column(heading, no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("message", overflow="fold")
    for area in summary.areas:
        table.add_section()
        for row in _rows(area, shown):
            table.add_row(*row)
    return Group(table, closing)


def health_data(summary: HealthSummary, settings: Settings) -> dict[str, Any]:
    """Return the data of `ozon health --output json`."""
    return {
        "environment": settings.environment,
        "measured_at": summary.measured_at.isoformat(),
        "status": str(summary.status),
        "exit_code": summary.exit_code,
        "summary": summary.sentence,
        "counts": {str(status): count for status, count in summary.counts.items()},
        "areas": [
            {
                "area": area,
                "status": str(status),
                "checks": [
                    {name: value for name, value in result.as_dict().items() if name != "area"}
                    for result in summary.results
                    if result.area == area
                ],
            }
            for area, status in summary.areas.items()
        ],
    }


def _is_problem(result: CheckResult) -> bool:
    return result.status not in {Status.OK, Status.UNKNOWN}


def _rows(area: str, results: Sequence[CheckResult]) -> Iterator[list[str | Text]]:
    name = area
    for same in _alike([result for result in results if result.area == area]):
        first, *others = same
        check = first.check + (f" and {len(others)} more" if others else "")
        account = first.account if all(other.account == first.account for other in others) else "several"
        status = Text(first.status, style=STATUS_STYLES[first.status])
        # Text instead of markup: an error's message may contain brackets.
        yield [
            name,
            check,
            account or "",
            status,
            "" if first.value is None else amount(first.value),
            Text(first.message),
        ]
        name = ""


def _alike(results: Sequence[CheckResult]) -> Iterable[list[CheckResult]]:
    """Group the results that could not be measured for the same reason; all others stay single."""
    groups: dict[Hashable, list[CheckResult]] = {}
    for number, result in enumerate(results):
        key = result.message if result.status in {Status.ERROR, Status.UNKNOWN} else number
        groups.setdefault(key, []).append(result)
    return groups.values()
