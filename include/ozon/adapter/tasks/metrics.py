"""The functions of the tasks of ``ozon_visibility_metrics``."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import get_current_context

from include.ozon.adapter.alerting.sender import deliver_metrics
from include.ozon.adapter.connections.object_storage import save_report
from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.adapter.dags.defaults import LOADED
from include.ozon.configuration import load_settings
from include.ozon.errors import require_known
from include.ozon.monitoring.metrics.judged import Judged, judge_and_store
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.reports.visibility import file_name, render
from include.ozon.settings import Settings
from include.ozon.settings.monitoring import REPORT_FORMATS
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import open_session

logger = logging.getLogger("ozon.metrics")


def accounts_to_measure() -> list[str]:
    """Return the accounts whose loads triggered this run, or all if the schedule did."""
    context = get_current_context()
    _formats(load_settings(), context["params"])
    configured = list(load_settings().accounts)
    events = context["triggering_asset_events"].get(LOADED, [])
    loaded = {account for event in events for account in event.extra.get("accounts", {})}
    return [account for account in configured if account in loaded] if loaded else configured


def measure_account(account: str) -> dict[str, Any]:
    """Measure and store the account's metrics, and save its report; return the results for the alerts."""
    context = get_current_context()
    context["shown_name"] = context["account"] = account  # type: ignore[typeddict-unknown-key]
    settings = load_settings()
    now = datetime.now(tz=UTC)
    with open_session(warehouse_connect(settings.warehouse), settings.warehouse, "ozon_visibility") as connection:
        require_head(connection)
        metrics = measure(connection, account, now, settings)
        judged = judge_and_store(connection, metrics, settings)
    for result in judged.results:
        logger.info("%s %s: %s", result.check, result.status, result.message)
    kinds = _formats(settings, context["params"]) if context["params"]["save_report"] else []
    saved: list[str] = []
    measured = {**judged.as_dict(), "reports": saved}
    try:
        for kind in kinds:
            name = f"{account}/{file_name(kind, now)}"
            saved.append(save_report(settings.reports.folder, name, render(kind, [metrics], settings)))
    except Exception:
        # Without a report, the alerts are sent all the same.
        context["ti"].xcom_push(key="return_value", value=measured)
        raise
    logger.info("Reports: %s", ", ".join(saved) or "none saved")
    return measured


def alert_of_metrics(measured: Iterable[dict[str, Any] | None] | None) -> str:
    """Send alerts for crossed thresholds, with the products concerned; return what was sent."""
    parts = [part for part in measured or () if part]
    pages = [address for part in parts for address in part["reports"] if address.endswith(".html")]
    sent = deliver_metrics([Judged.from_dict(part) for part in parts], pages).describe()
    logger.info("%s", sent)
    return sent


def _formats(settings: Settings, params: dict[str, Any]) -> list[str]:
    wanted = list(dict.fromkeys(params["formats"])) or list(settings.reports.formats)
    require_known("Parameter formats", wanted, REPORT_FORMATS)
    return wanted
