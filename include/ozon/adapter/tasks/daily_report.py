"""The function of the task ``send_report`` of ``ozon_visibility_metrics``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from include.ozon.adapter.alerting.channels import open_channels
from include.ozon.adapter.alerting.daily_report import send_once
from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.message import Mail
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.reports.daily_mail import daily_mail
from include.ozon.settings import Settings
from include.ozon.translation import Language, use_language
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import open_session

logger = logging.getLogger("ozon.metrics")

_PERIOD = timedelta(days=1)


def send_daily_report() -> str:
    """Send the report of all accounts, compared with a day ago, to each channel that receives it; return what was sent.

    Raises AirflowSkipException where nothing is to be sent, ChannelError if a channel fails.
    """
    context = get_current_context()
    settings = load_settings()
    channels = open_channels(settings, "daily_report")
    if not channels:
        raise AirflowSkipException("No channel of alerts.channels receives `daily_report`.")
    now = datetime.now(tz=UTC)
    occasion = _occasion(context, settings, now)
    mails = _mails(settings, now)
    sent = send_once(occasion, channels, lambda name: mails(settings.channel_language(name)))
    result = f"The report of {occasion} was sent to: {', '.join(sent) or 'nobody, all had it'}."
    logger.info("%s", result)
    return result


def _occasion(context: Any, settings: Settings, now: datetime) -> str:
    """Return the day of a run by the schedule, or the run's id if a user asks for the report."""
    run = context["dag_run"]
    if context["params"]["send_report"]:
        return str(run.run_id)
    if run.run_type != "scheduled":
        raise AirflowSkipException(
            "The daily report goes out with the run by `schedule.metrics`, or with the parameter send_report."
        )
    return f"{settings.in_time_zone(run.run_after or now):%Y-%m-%d}"


def _mails(settings: Settings, now: datetime) -> Callable[[Language], Mail]:
    """Return a function that makes the mail of a language, once; all have the same numbers."""
    with open_session(warehouse_connect(settings.warehouse), settings.warehouse, "ozon_daily_report") as connection:
        require_head(connection)
        reported = [measure(connection, account, now, settings, now - _PERIOD) for account in settings.accounts]

    @cache
    def mail(language: Language) -> Mail:
        with use_language(language):
            return daily_mail(reported, settings, now)

    return mail
