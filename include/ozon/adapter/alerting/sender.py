"""The one sender of alerts, with Airflow's connections, Variables and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from include.ozon.adapter.alerting.channels import open_channels
from include.ozon.adapter.alerting.state import AirflowKeeper, Outbox
from include.ozon.adapter.connections.warehouse import late_warehouse_connect
from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.model import Event, Line
from include.ozon.monitoring.alerts.sender import SentReport, send_alerts
from include.ozon.monitoring.metrics.judged import Judged
from include.ozon.monitoring.metrics.judgement import VISIBLE_SHARE_PCT
from include.ozon.monitoring.results import CheckResult

_METRICS_GROUP = VISIBLE_SHARE_PCT.group

_NOTHING: Mapping[str, Sequence[Line]] = MappingProxyType({})


def deliver(
    results: Sequence[CheckResult] = (),
    events: Sequence[Event] = (),
    details: Mapping[str, Sequence[Line]] = _NOTHING,
    links: Sequence[str] = (),
) -> SentReport:
    """Notify people of what is new about results and events, and about what failed tasks have handed over.

    ``details`` are further lines of a message by the group of its alerts, ``links`` addresses for all messages.
    """
    settings = load_settings()
    outbox = Outbox()
    report = send_alerts(
        results,
        [*events, *outbox.take()],
        connect=late_warehouse_connect(settings.warehouse),
        keeper=AirflowKeeper(),
        channels=open_channels(settings, "alerts"),
        settings=settings,
        now=datetime.now(tz=UTC),
        details=details,
        links=links,
    )
    outbox.forget()
    return report


def deliver_metrics(judged: Sequence[Judged], reports: Sequence[str] = ()) -> SentReport:
    """Hand judged metrics to the sender, with the addresses of report files."""
    return deliver(
        results=[result for each in judged for result in each.results],
        details={_METRICS_GROUP: [line for each in judged for line in each.details]},
        links=reports,
    )
