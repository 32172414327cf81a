"""The records of workflows as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from include.ozon.marketplace.visibility import Visibility
from include.ozon.pipeline.phases import PHASES
from include.ozon.reports.runs import ComponentRow
from include.ozon.words import NOTHING, number, percent

_STATUS_STYLES = {"success": "green", "failed": "bold red", "cancelled": "yellow", "skipped": "yellow"}

_COUNTS = (
    ("read", "rows_read"),
    ("inserted", "rows_inserted"),
    ("updated", "rows_updated"),
    ("unchanged", "rows_unchanged"),
    ("removed", "rows_removed"),
    ("rejected", "rows_rejected"),
    ("requests", "api_requests"),
    ("retries", "api_retries"),
)


def runs_tables(rows: Sequence[ComponentRow]) -> RenderableType:
    """Return a line for each account and component, the visibility distribution, errors and warnings."""
    if not rows:
        return Text("No workflow is recorded. Dry runs and runs that never reached the warehouse have no record.")
    parts: list[RenderableType] = [_components(rows)]
    if any(row.visibility_counts for row in rows):
        parts.append(_visibility(rows))
    if any(row.seconds for row in rows):
        parts.append(_phases(rows))
    errors = {row.workflow_id: row.error for row in rows if row.error}
    parts.extend(Text(f"{workflow_id}: {error}") for workflow_id, error in errors.items())
    parts.extend(Text(f"{row.workflow_id}: warning: {each}") for row in rows for each in row.warnings or ())
    return Group(*parts)


def _components(rows: Sequence[ComponentRow]) -> Table:
    dag_runs = list(dict.fromkeys(row.dag_run_id for row in rows))
    table = Table(title="Runs " + ", ".join(dag_runs), title_justify="left")
    for heading in ("account", "component", "attempt", "status"):
        table.add_column(heading)
    for heading, _ in _COUNTS:
        table.add_column(heading, justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("peak MB", justify="right")
    for before, row in zip((None, *rows), rows, strict=False):
        if before is None or before.dag_run_id != row.dag_run_id:
            table.add_section()
        status = row.status or row.workflow_status
        table.add_row(
            row.account,
            row.component or NOTHING,
            number(row.attempt),
            Text(status, style=_STATUS_STYLES.get(status, "")),
            *(number(getattr(row, column)) for _, column in _COUNTS),
            number(row.duration_seconds, digits=1),
            number(row.peak_memory_mb),
        )
    return table


def _phases(rows: Sequence[ComponentRow]) -> Table:
    table = Table(title="Seconds by phase", title_justify="left")
    table.add_column("component")
    table.add_column("account")
    for phase in PHASES:
        table.add_column(phase, justify="right")
    for row in rows:
        if row.component and row.seconds:
            seconds = (number(row.seconds.get(phase), digits=1) for phase in PHASES)
            table.add_row(row.component, row.account, *seconds)
    return table


def _visibility(rows: Sequence[ComponentRow]) -> Table:
    table = Table(title="What customers see", title_justify="left")
    table.add_column("account")
    table.add_column("visibility")
    table.add_column("products", justify="right")
    table.add_column("share", justify="right")
    for row in rows:
        counts = row.visibility_counts or {}
        total = sum(counts.values())
        for visibility in Visibility:
            if count := counts.get(visibility):
                table.add_row(row.account, visibility, number(count), percent(100 * count / total))
    return table
