"""``ozon visibility``: the visibility report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from include.ozon.cli.common import console
from include.ozon.cli.warehouse import warehouse_session
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, DependencyError, require_known
from include.ozon.settings import Settings
from include.ozon.translation import Language, use_language
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
    save_report: Annotated[bool, typer.Option(help="Also save the report as a file.")] = False,
    account: Annotated[str | None, typer.Option(help="Only this account; by default all.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_MOMENTS, help="Compare with this moment (UTC), not with the last measurement."),
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option(help="The language of the report as text or HTML, instead of the setting `language`."),
    ] = None,
    alert: Annotated[
        bool,
        typer.Option(help="Also store the measurement and send alerts, as `ozon_visibility_metrics` does."),
    ] = False,
    folder: Annotated[
        str | None, typer.Option(help="A folder or a bucket's address to save it in, instead of `reports.folder`.")
    ] = None,
) -> None:
    """Measure what customers can see now, and show it. Without --alert nothing is stored and no alert is sent.

    Example: ozon visibility --output html --save-report
    """
    # Importing pandas takes longer than most other commands.
    from include.ozon.monitoring.metrics.measurement import measure  # noqa: PLC0415
    from include.ozon.reports.visibility import file_name, render  # noqa: PLC0415
    from include.ozon.reports.visibility_text import visibility_tables  # noqa: PLC0415

    if alert and since:
        raise ConfigurationError(
            "--alert and --since cannot be combined: --alert compares with the last measurement. Use one of them."
        )
    settings = load_settings()
    now = datetime.now(tz=UTC)
    accounts, compared_with = _accounts(account, settings), _moment(since, now)
    with warehouse_session() as connection:
        require_head(connection)
        reported = [measure(connection, each, now, settings, compared_with) for each in accounts]
    if all(metrics.loaded_at is None for metrics in reported):
        raise DependencyError(
            f"There is nothing to report: the warehouse has no successful load of {_listed(accounts)}. Run ozon_etl "
            "(`make run` on one machine) first."
        )
    shown_in = language or settings.language
    content = render(output, reported, settings, shown_in)
    if output is Output.TEXT and sys.stdout.isatty():
        with use_language(shown_in):
            console().print(visibility_tables(reported, settings))
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    saved: list[str] = []
    try:
        if save_report:
            # Airflow takes seconds to import.
            from include.ozon.adapter.connections import object_storage  # noqa: PLC0415

            below = f"{account}/" if account else ""
            name = below + file_name(output, now)
            saved.append(object_storage.save_report(folder or settings.reports.folder, name, content))
            print(f"Saved: {saved[0]}", file=sys.stderr)
    finally:
        # Without a report, the alerts are sent all the same.
        if alert:
            print(_store_and_notify(reported, saved, settings), file=sys.stderr)


def _store_and_notify(reported: Sequence[VisibilityMetrics], saved: Sequence[str], settings: Settings) -> str:
    from include.ozon.adapter.alerting.sender import deliver_metrics  # noqa: PLC0415
    from include.ozon.monitoring.metrics.judged import judge_and_store  # noqa: PLC0415

    with warehouse_session() as connection:
        judged = [judge_and_store(connection, metrics, settings) for metrics in reported]
    return deliver_metrics(judged, saved).describe()


def _accounts(account: str | None, settings: Settings) -> Sequence[str]:
    if account is None:
        return list(settings.accounts)
    require_known("--account", [account], settings.accounts)
    return [account]


def _moment(since: datetime | None, now: datetime) -> datetime | None:
    if since is None:
        return None
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)
    if moment > now:
        raise ConfigurationError(f"--since: expected a moment in the past, found {moment:%Y-%m-%d %H:%M:%S%z}.")
    return moment


def _listed(accounts: Sequence[str]) -> str:
    return f"account {accounts[0]}" if len(accounts) == 1 else f"the accounts {', '.join(accounts)}"
