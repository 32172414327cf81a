"""``ozon visibility``: what customers can see, and what it costs when they cannot."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from include.ozon.cli.warehouse import warehouse_session
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, DependencyError
from include.ozon.settings import Settings
from include.ozon.warehouse.schema import require_head

if TYPE_CHECKING:
    from include.ozon.monitoring.metrics.model import VisibilityMetrics

_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M"]


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


def visibility(
    output: Annotated[Output, typer.Option(help="The report's format.")] = Output.TEXT,
    save_report: Annotated[bool, typer.Option(help="Save the report as a file, too.")] = False,
    account: Annotated[str | None, typer.Option(help="Only this account; all of them by default.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_MOMENTS, help="Compare with that moment (UTC), not with the last measurement."),
    ] = None,
    alert: Annotated[
        bool,
        typer.Option(help="Also store the measurement and tell what it shows, as `ozon_visibility_metrics` does."),
    ] = False,
    folder: Annotated[
        str | None, typer.Option(help="Where to save it: a folder or a bucket's address, not `reports.folder`.")
    ] = None,
) -> None:
    """Measure what customers can see now, and show it. Without --alert nothing is stored and nobody is told.

    Example: ozon visibility --output html --save-report
    """
    # pandas takes longer to import than the other commands to run.
    from include.ozon.monitoring.metrics.measurement import measure  # noqa: PLC0415
    from include.ozon.reports.visibility import file_name, render  # noqa: PLC0415
    from include.ozon.reports.visibility_text import visibility_tables  # noqa: PLC0415

    if alert and since:
        raise ConfigurationError(
            "--alert stores what has changed since the last measurement, and --since asks for another moment; use one "
            "of them."
        )
    settings = load_settings()
    now = datetime.now(tz=UTC)
    accounts, compared_with = _accounts(account, settings), _moment(since, now)
    with warehouse_session() as connection:
        require_head(connection)
        reported = [measure(connection, each, now, settings, compared_with) for each in accounts]
    if all(metrics.loaded_at is None for metrics in reported):
        raise DependencyError(
            f"There is nothing to report: the warehouse holds no successful load of {_listed(accounts)}. Run ozon_etl "
            "(`make run` on one machine) first."
        )
    content = render(output, reported, settings)
    if output is Output.TEXT and sys.stdout.isatty():
        Console().print(visibility_tables(reported, settings))
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    saved: list[str] = []
    if save_report:
        # Airflow takes seconds to import.
        from include.ozon.adapter.connections import object_storage  # noqa: PLC0415

        below = f"{account}/" if account else ""
        saved = [object_storage.save_report(folder or settings.reports.folder, below + file_name(output, now), content)]
        print(f"Saved: {saved[0]}", file=sys.stderr)
    if alert:
        print(_tell(reported, saved, settings), file=sys.stderr)


def _tell(reported: Sequence[VisibilityMetrics], saved: Sequence[str], settings: Settings) -> str:
    from include.ozon.adapter.alerting.sender import deliver_metrics  # noqa: PLC0415
    from include.ozon.monitoring.metrics.judged import keep  # noqa: PLC0415

    with warehouse_session() as connection:
        judged = [keep(connection, metrics, settings) for metrics in reported]
    return deliver_metrics(judged, saved).describe()


def _accounts(account: str | None, settings: Settings) -> Sequence[str]:
    if account is None:
        return list(settings.accounts)
    if account not in settings.accounts:
        raise ConfigurationError(
            f"There is no account {account!r} in the configuration; there are {', '.join(settings.accounts)}."
        )
    return [account]


def _moment(since: datetime | None, now: datetime) -> datetime | None:
    if since is None:
        return None
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)
    if moment > now:
        raise ConfigurationError(f"--since {moment:%Y-%m-%d %H:%M:%S%z} is in the future; name a moment before now.")
    return moment


def _listed(accounts: Sequence[str]) -> str:
    return f"account {accounts[0]}" if len(accounts) == 1 else f"the accounts {', '.join(accounts)}"
