"""``ozon`` without a command: the state of this installation in a few lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import typer
from rich.table import Table
from rich.text import Text

from include.ozon import __version__
from include.ozon.cli.common import FAILED, console
from include.ozon.cli.warehouse import warehouse_session
from include.ozon.configuration import load_settings
from include.ozon.errors import OzonError
from include.ozon.monitoring import state
from include.ozon.monitoring.results import FROM_BEST_TO_WORST, Status
from include.ozon.project import configuration_file
from include.ozon.reports.health import STATUS_STYLES
from include.ozon.settings import Settings
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection
from include.ozon.words import count_of, moment, one_line, span

# More accounts than these are counted, the worst ones first.
_SHOWN_ACCOUNTS = 5
Line = tuple[str, str, Status | None]
"""A name, what was found, and its status if it has one."""


def show() -> None:
    """Print the environment, the accounts' last loads, the health, the incidents, and the next load.

    Raise ConfigurationError if the configuration is wrong. A warehouse that cannot be read is one of the lines, and the
    exit code is then 1.
    """
    settings, now = load_settings(), datetime.now(tz=UTC)
    lines: list[Line] = [("environment", f"{settings.environment}, {configuration_file(os.environ)}", None)]
    problem: OzonError | None = None
    try:
        with warehouse_session() as connection:
            require_head(connection)
            lines += _lines(connection, settings, now)
    except OzonError as error:
        problem = error
        lines.append(("warehouse", one_line(error), Status.ERROR))
    lines.append(("next load", _in(state.next_load_at(settings, now), now, settings), None))
    console().print(_table(lines))
    typer.echo("\nMore: ozon runs, ozon health, ozon alerts, ozon doctor; all commands: ozon --help")
    if problem:
        raise typer.Exit(FAILED)


def _lines(connection: Connection, settings: Settings, now: datetime) -> Iterator[Line]:
    accounts = state.read_freshness(connection, list(settings.accounts), settings, now)
    accounts.sort(key=lambda account: FROM_BEST_TO_WORST.index(account.status), reverse=True)
    for account in accounts[:_SHOWN_ACCOUNTS]:
        ages = [f"{name} {_ago(at, now)}" for name, at in account.loaded_at.items()]
        yield f"account {account.account}", ", ".join(ages), account.status
    if len(accounts) > _SHOWN_ACCOUNTS:
        yield "", f"and {count_of(len(accounts) - _SHOWN_ACCOUNTS, 'more account')}, none of them worse", None
    if health := state.read_health(connection, now):
        bad = ", ".join(area.title for area in health.areas if area.findings)
        found = f"{_ago(health.measured_at, now)}{f': {bad}' if bad else ''}"
        yield "health", found, Status.UNKNOWN if health.is_stale else health.status
    else:
        yield "health", "never checked", Status.UNKNOWN
    incidents = state.read_incidents(connection, list(settings.accounts), now)
    yield "incidents", "; ".join(incident.title for incident in incidents) or "none", None


def _ago(at: datetime | None, now: datetime) -> str:
    return f"{span(now - at)} ago" if at else "never"


def _in(at: datetime, now: datetime, settings: Settings) -> str:
    return f"{moment(at, settings)}, in {span(at - now)}"


def _table(lines: list[Line]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.title = f"Ozon ETL {__version__}"
    table.title_justify = "left"
    for name, found, status in lines:
        table.add_row(name, Text(status, style=STATUS_STYLES[status]) if status else "", Text(found))
    return table
