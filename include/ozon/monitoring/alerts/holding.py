"""What is not told now although it lasts: planned work, and consequences of a cause that is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from include.ozon.monitoring.alerts.cases import Case, IncidentKey, severity
from include.ozon.monitoring.alerts.causes import Causes
from include.ozon.monitoring.alerts.model import Alert
from include.ozon.monitoring.alerts.observed import repeat_interval
from include.ozon.settings import Settings


def hold(cases: Sequence[Case], causes: Causes, settings: Settings, now: datetime) -> None:
    """Mark the open cases that are not told in this sending."""
    incidents: defaultdict[IncidentKey, list[Case]] = defaultdict(list)
    for case in cases:
        _hold_consequence(case, causes)
        if is_silenced(case.alert, settings, now):
            case.is_held = True
        incidents[case.incident].append(case)
    for incident in incidents.values():
        _hold_after_cause([case for case in incident if not case.is_held], causes, settings, now)


def is_silenced(alert: Alert, settings: Settings, now: datetime) -> bool:
    """Whether a window of planned work is open for the alert."""
    return any(
        settings.in_time_zone(silence.starts_at) <= now < settings.in_time_zone(silence.ends_at)
        and (not silence.rules or alert.rule in silence.rules)
        and (not silence.accounts or alert.account in silence.accounts)
        for silence in settings.alerts.silences.values()
    )


def _hold_consequence(case: Case, causes: Causes) -> None:
    if case.events:  # was asked for each of them when they came
        return
    alert = case.alert
    accounts = case.observation.accounts if case.observation else (alert.account,)
    cause = causes.of_state(alert, accounts)
    if cause is None and alert.suppressed_by and case.observation is None and causes.still_lasts(alert):
        cause = alert.suppressed_by
    if cause is not None:
        case.is_held = True
        if not case.is_told:
            case.change(suppressed_by=cause)


def _hold_after_cause(cases: Sequence[Case], causes: Causes, settings: Settings, now: datetime) -> None:
    """Give what a cause has left behind a repeat interval to recover by itself, unless it gets worse.

    What joins the incident meanwhile and is no worse is held with it, as it would not be told on its own either.
    """
    left = [case for case in cases if case.alert.suppressed_by]
    if not left:
        return
    joining = [case for case in cases if case.before is None and not case.alert.is_event]
    others = [case for case in cases if case not in left and case not in joining]
    before = max(severity(case.before.level) for case in left if case.before)
    is_worse = max(severity(case.alert.level) for case in (*left, *joining)) > before
    if others or is_worse or any(_is_over(case.alert, causes, settings, now) for case in left):
        for case in left:
            case.change(suppressed_by=None)
        return
    cause = left[0].alert.suppressed_by
    for case in (*left, *joining):
        case.is_held = True
        case.change(suppressed_by=case.alert.suppressed_by or cause)


def _is_over(alert: Alert, causes: Causes, settings: Settings, now: datetime) -> bool:
    ended_at = causes.ended_at(alert)
    return ended_at is None or now - ended_at >= repeat_interval(settings, alert)
