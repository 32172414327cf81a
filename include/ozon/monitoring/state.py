"""The state: the health of each area, the unresolved incidents, and the age of each account's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ozon.monitoring.alerts.model import Incident
from include.ozon.monitoring.alerts.store import recent_incidents
from include.ozon.monitoring.health.areas import AREA_NAMES
from include.ozon.monitoring.health.data import AGE_LIMITS
from include.ozon.monitoring.health.store import latest
from include.ozon.monitoring.health.summary import HealthSummary, summarize
from include.ozon.monitoring.metrics.totals import last_loads
from include.ozon.monitoring.results import Status, judge, worst
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.schedule import next_due
from include.ozon.settings import Settings
from include.ozon.translation import N_
from include.ozon.translation import gettext as _
from include.ozon.warehouse.session import Connection

AREA_TITLES = {
    "warehouse": N_("Warehouse"),
    "runs": N_("Runs"),
    "deadlines": N_("Deadlines"),
    "data": N_("Data"),
    "api": N_("Ozon's API"),
    "airflow": N_("Airflow"),
    "machine": N_("Machine"),
}

# The health check runs every quarter of an hour; two missed ones are no coincidence.
_STALE_AFTER = timedelta(minutes=35)


@dataclass(frozen=True)
class Area:
    """An area with its worst status, and the sentences of the checks that are not ok."""

    title: str
    status: Status
    findings: Sequence[str]


@dataclass(frozen=True)
class Health:
    """The last health check; ``is_stale`` if it is older than two of them should be."""

    measured_at: datetime
    status: Status
    areas: Sequence[Area]
    is_stale: bool


@dataclass(frozen=True)
class OpenIncident:
    """An unresolved incident as people read it."""

    incident: Incident
    title: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Freshness:
    """The age of one account's data: by component the last success, with its status by the rule's limits."""

    account: str
    title: str
    loaded_at: Mapping[str, datetime | None]
    status: Status


def read_health(connection: Connection, now: datetime) -> Health | None:
    """Return the state of each area by the last health check; None before the first one."""
    found = latest(connection)
    if found is None:
        return None
    summary = summarize(found[1], found[0])
    areas = [_area(name, summary) for name in AREA_NAMES if name in summary.areas]
    return Health(summary.measured_at, summary.status, areas, is_stale=now - summary.measured_at > _STALE_AFTER)


def read_incidents(connection: Connection, accounts: Sequence[str], now: datetime) -> list[OpenIncident]:
    """Return the unresolved incidents of these accounts and of the whole installation, critical ones first."""
    found = [
        incident
        for incident in recent_incidents(connection, now)
        if incident.resolved_at is None and (incident.account is None or incident.account in accounts)
    ]
    found.sort(key=lambda incident: incident.level != "critical")
    return [OpenIncident(each, _title(each), [alert.message for alert in each.firing]) for each in found]


def read_freshness(
    connection: Connection, accounts: Sequence[str], settings: Settings, now: datetime
) -> list[Freshness]:
    """Return how old the data of each account is."""
    found = []
    for account in accounts:
        loads = last_loads(connection, account)
        loaded_at = {
            component.name: loads[component.name].finished_at if component.name in loads else None
            for component in COMPONENTS
        }
        statuses = [_age_status(name, at, settings, now) for name, at in loaded_at.items()]
        found.append(Freshness(account, settings.accounts[account].title, loaded_at, worst(statuses)))
    return found


def next_load_at(settings: Settings, now: datetime) -> datetime:
    return next_due(settings.schedule.etl, settings.time_zone, now)


def _area(name: str, summary: HealthSummary) -> Area:
    findings = [
        result.message
        for result in summary.results
        if result.area == name and result.status not in {Status.OK, Status.UNKNOWN}
    ]
    return Area(_(AREA_TITLES[name]), summary.areas[name], findings)


def _title(incident: Incident) -> str:
    alerts = sorted(incident.firing, key=lambda alert: (alert.level != "critical", alert.opened_at))
    rule = RULE_BY_NAME.get(alerts[0].rule) if alerts else None
    return _(rule.title) if rule else incident.group


def _age_status(component: str, loaded_at: datetime | None, settings: Settings, now: datetime) -> Status:
    if loaded_at is None:
        return Status.UNKNOWN
    return judge(settings, AGE_LIMITS[component], (now - loaded_at) / timedelta(hours=1), "").status
