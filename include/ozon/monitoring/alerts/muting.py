"""Muted alerts: silences, and alerts inhibited by their cause.

A rule itself has its group and causes. The functions here add what depends on an alert's subject: for a task or a run
it begins with the DAG, for checks that could not be measured it is the area. The reasons are in docs/decisions/0008.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from include.ozon.monitoring.alerts.model import Alert, Event, Incident, severity
from include.ozon.monitoring.alerts.states import State, repeat_interval
from include.ozon.monitoring.health.airflow import AREA as AIRFLOW
from include.ozon.monitoring.health.api import API_DOWN
from include.ozon.monitoring.health.api import AREA as API
from include.ozon.monitoring.health.attempts import DURATION_RATIO
from include.ozon.monitoring.health.runs import FAILURES_IN_A_ROW
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.rule import Rule
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.monitoring.unchecked import RUN_DEADLINE, TASK_FAILED, UNMEASURED
from include.ozon.settings import Settings, dags
from include.ozon.settings.limits import Limits

# A failed task or a late run of the load shows what these rules show; those of other DAGs do not.
_OF_THE_LOAD = MappingProxyType({TASK_FAILED.name: FAILURES_IN_A_ROW, RUN_DEADLINE.name: DURATION_RATIO})


def group_of(rule: str, subject: str = "") -> str:
    """Return the group of an alert; a rule that is no longer known is a group of its own."""
    found = _as_seen(rule, subject)
    return found.group if found else rule


def causes_of(rule: str, subject: str = "", caused_by: Collection[str] = ()) -> tuple[str, ...]:
    """Return the rules that inhibit an alert while they are critical, the likeliest first.

    ``caused_by`` are those that an event names itself.
    """
    return tuple(dict.fromkeys((*caused_by, *(cause.name for cause in _general_causes(rule, subject)))))


def _general_causes(rule: str, subject: str) -> tuple[Rule[Limits], ...]:
    # A task knows the error that it failed with: unless that names the warehouse, it is not the cause.
    if rule == TASK_FAILED.name:
        return ()
    if rule == UNMEASURED.name:
        of_the_warehouse = () if subject == AIRFLOW.name else WAREHOUSE_DOWN
        return (*of_the_warehouse, *(API_DOWN if subject == API.name else ()))
    found = _as_seen(rule, subject)
    return found.inhibited_by if found else ()


def _as_seen(rule: str, subject: str) -> Rule[Limits] | None:
    """Return the rule whose group and causes an alert has."""
    is_of_the_load = subject.partition(".")[0] == dags.ETL
    return (_OF_THE_LOAD.get(rule) if is_of_the_load else None) or RULE_BY_NAME.get(rule)


class Muting:
    """The silences and causes of one run, by all its alerts: those that fire, and those resolved of late.

    A cause that this very run has resolved still inhibits. While the warehouse is down nothing in it can be measured,
    so most of what it broke is first seen by the check that finds it working again.
    """

    def __init__(self, alerts: Iterable[Alert], settings: Settings, now: datetime) -> None:
        self._settings = settings
        self._now = now
        self._critical: defaultdict[str, list[Alert]] = defaultdict(list)
        for alert in alerts:
            if alert.level == "critical":
                self._critical[alert.rule].append(alert)

    def muted_by(self, alert: Alert, state: State | None, *, is_news: bool) -> str | None:
        """Return the rule that inhibits the alert, or the silence it falls into; None if people are to be notified.

        ``state`` is None if this run did not measure the alert's rule. ``is_news`` says that this run brought its
        events, whose causes were sought when they came.
        """
        return (alert.muted_by if is_news else self._inhibited_by(alert, state)) or self._silence(alert)

    def _inhibited_by(self, alert: Alert, state: State | None) -> str | None:
        causes = causes_of(alert.rule, alert.subject)
        inhibited = [self._firing(causes, account) for account in (state.accounts if state else (alert.account,))]
        if inhibited and all(inhibited):
            return inhibited[0]
        if state is None and alert.muted_by and any(cause.is_firing for cause in self._causes_that_muted(alert)):
            return alert.muted_by
        return None

    def inhibited_by(self, event: Event) -> str | None:
        """Return the rule that explains an event: its alert fired when the event happened, or later."""
        for rule in causes_of(event.rule, event.subject, event.caused_by):
            for cause in self._of_account(rule, event.account):
                if cause.resolved_at is None or cause.resolved_at >= event.happened_at:
                    return rule
        return None

    def mute(
        self,
        incident: Incident,
        before: Incident | None,
        states: Mapping[str, State],
        news: Mapping[str, Sequence[Event]],
    ) -> tuple[Incident, frozenset[str]]:
        """Return the incident with the reasons why its alerts are muted, and the ids of those muted now.

        ``states`` are this run's by alert id, ``news`` its events. An alert that people know of keeps no reason while
        it is muted.
        """
        reasons: dict[str, str] = {}
        for alert in incident.firing:
            alert_id = alert.alert_id
            if reason := self.muted_by(alert, states.get(alert_id), is_news=alert_id in news):
                reasons[alert_id] = reason
        reasons |= self._left_behind(incident, before, reasons)
        known = {alert.alert_id for alert in before.firing} if before and before.notified_at else set()
        alerts = tuple(
            alert
            if not alert.is_firing or (alert.alert_id in known and alert.muted_by is None)
            else replace(alert, muted_by=reasons.get(alert.alert_id))
            for alert in incident.alerts
        )
        return replace(incident, alerts=alerts), frozenset(reasons)

    def _left_behind(self, incident: Incident, before: Incident | None, reasons: dict[str, str]) -> dict[str, str]:
        """Return reasons to mute, for one repeat interval, what a resolved cause has left behind.

        It may recover on its own. It is notified at once if it gets worse, or together with an alert that is not
        muted. Alerts that join meanwhile and are no worse are muted with it.
        """
        unmuted = [alert for alert in incident.firing if alert.alert_id not in reasons]
        left = [alert for alert in unmuted if alert.muted_by in RULE_BY_NAME]
        if not left:
            return {}
        levels_before = {alert.alert_id: alert.level for alert in before.firing} if before else {}
        joining = [alert for alert in unmuted if alert.alert_id not in levels_before and not alert.is_event]
        others = [alert for alert in unmuted if alert not in left and alert not in joining]
        level_before = max((severity(levels_before.get(alert.alert_id)) for alert in left), default=0)
        is_worse = max(severity(alert.level) for alert in (*left, *joining)) > level_before
        if others or is_worse or any(self._is_over(alert, incident.group) for alert in left):
            return {}
        cause = left[0].muted_by or ""
        return {alert.alert_id: alert.muted_by or cause for alert in (*left, *joining)}

    def _is_over(self, alert: Alert, group: str) -> bool:
        """Return whether the repeat interval after the cause has passed, or the cause fires on as a mere warning."""
        ended = [cause.resolved_at for cause in self._causes_that_muted(alert) if cause.resolved_at]
        return not ended or self._now - max(ended) >= repeat_interval(self._settings, group)

    def _silence(self, alert: Alert) -> str | None:
        for name, silence in self._settings.alerts.silences.items():
            starts_at = self._settings.in_time_zone(silence.starts_at)
            ends_at = self._settings.in_time_zone(silence.ends_at)
            if (
                starts_at <= self._now < ends_at
                and (not silence.rules or alert.rule in silence.rules)
                and (not silence.accounts or alert.account in silence.accounts)
            ):
                return f"silence {name}"
        return None

    def _firing(self, rules: Sequence[str], account: str | None) -> str | None:
        for rule in rules:
            if any(cause.resolved_at in {None, self._now} for cause in self._of_account(rule, account)):
                return rule
        return None

    def _of_account(self, rule: str, account: str | None) -> list[Alert]:
        return [cause for cause in self._critical[rule] if cause.account in {None, account}]

    def _causes_that_muted(self, alert: Alert) -> list[Alert]:
        # An alert for all accounts, such as an area's failed checks, was inhibited by the causes of each.
        rule = alert.muted_by or ""
        return self._critical[rule] if alert.account is None else self._of_account(rule, alert.account)
