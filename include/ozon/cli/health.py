"""``ozon health``: the health check without a scheduler."""

from __future__ import annotations

import io
import logging
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Annotated

import typer

from include.ozon.cli.common import Output, console, importing_airflow, is_verbose, print_json
from include.ozon.configuration import load_settings
from include.ozon.errors import require_known
from include.ozon.monitoring.health.areas import AREA_NAMES
from include.ozon.monitoring.health.summary import EXIT_CODES, HealthSummary, summarize
from include.ozon.monitoring.results import Status
from include.ozon.reports.health import health_data, health_text
from include.ozon.settings import Settings


def health(
    checks: Annotated[
        str, typer.Option(help="The areas to check, separated by commas; by default those of health.checks.")
    ] = "",
    output: Output = "text",
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show only problems; with --alert, only alerts that could not be sent.")
    ] = False,
    alert: Annotated[
        bool, typer.Option(help="Also store the results and send alerts, as `ozon_health_check` does: for cron.")
    ] = False,
) -> None:
    """Check everything now. Exit code: 0 healthy, 1 warning, 2 critical, 3 could not be measured.

    Example: ozon health --checks warehouse,api
    """
    settings = load_settings()
    names = _areas(checks, settings)
    summary = _measure(names, settings)
    # Cron mails all output, every 15 minutes; problems are notified by the alerts.
    if not (alert and quiet):
        _show(summary, settings, output, only_problems=quiet)
    is_sent = _store_and_notify(summary, settings, quiet) if alert else True
    raise typer.Exit(summary.exit_code if is_sent else summary.exit_code or EXIT_CODES[Status.WARNING])


def _show(summary: HealthSummary, settings: Settings, output: str, *, only_problems: bool) -> None:
    if output == "json":
        print_json("health", health_data(summary, settings))
    else:
        console().print(health_text(summary, settings, only_problems=only_problems))


def _areas(checks: str, settings: Settings) -> list[str]:
    wanted = [name.strip() for name in checks.split(",") if name.strip()]
    require_known("--checks", wanted, AREA_NAMES)
    return list(dict.fromkeys(wanted)) or list(settings.health.checks)


def _measure(names: list[str], settings: Settings) -> HealthSummary:
    with importing_airflow():
        from include.ozon.adapter.health.context import measure_area  # noqa: PLC0415
        from include.ozon.adapter.health.probe import process_probe  # noqa: PLC0415
    if not is_verbose():
        # The report contains what the checks log.
        for name in ("ozon", "airflow"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    now = datetime.now(tz=UTC)
    airflow = process_probe(settings) if "airflow" in names else None
    return summarize([result for name in names for result in measure_area(name, settings, now, airflow)], now)


def _store_and_notify(summary: HealthSummary, settings: Settings, quiet: bool) -> bool:
    """Store the results, send the alerts, and return whether the sender ran.

    The dead man's switch is pinged last, so that it raises the alarm if the sender is broken.
    """
    from include.ozon.adapter.health.context import ping_heartbeat, store_results  # noqa: PLC0415

    try:
        store_results(settings, summary.measured_at, summary.results)
    except Exception as error:
        _print_error("The results could not be stored in ozon.health_checks", error)
    try:
        from include.ozon.adapter.alerting.sender import deliver  # noqa: PLC0415

        # Airflow prints a traceback for each Variable that it cannot read; the sender works without them.
        with redirect_stdout(io.StringIO()):
            report = deliver(results=summary.results)
    except Exception as error:
        _print_error("The alerts could not be sent", error)
        return False
    if not quiet or report.failed_channels:
        typer.echo(report.describe(), err=True)
    ping_heartbeat(settings)
    return True


def _print_error(what: str, error: Exception) -> None:
    typer.echo(f"ozon: {what}: {' '.join(str(error).split()) or type(error).__name__}", err=True)
