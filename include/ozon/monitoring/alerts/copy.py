"""The copy of the alerts on Airflow's side: the state while the warehouse cannot be read or written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from include.ozon.monitoring.alerts.cases import severity
from include.ozon.monitoring.alerts.model import Alert

_VERSION = 1
# Besides the open ones. A Variable is no table: only what a decision may still need, and not without an end.
_KEPT_RECOVERED = 200


class StateKeeper(Protocol):
    """Keeps one text, such as an Airflow Variable. Both may raise anything."""

    def read(self) -> str | None: ...

    def write(self, text: str) -> None: ...


@dataclass(frozen=True)
class Copy:
    """``is_ahead``: written when the warehouse could not be, which has to catch up."""

    alerts: tuple[Alert, ...] = ()
    is_ahead: bool = False


def to_text(copy: Copy) -> str:
    open_now = [alert for alert in copy.alerts if alert.is_open]
    recovered = sorted(
        (alert for alert in copy.alerts if not alert.is_open),
        key=lambda alert: (bool(alert.pending_channels), alert.recovered_at or alert.opened_at),
        reverse=True,
    )
    alerts = [alert.as_dict() for alert in (*open_now, *recovered[:_KEPT_RECOVERED])]
    return json.dumps({"version": _VERSION, "ahead": copy.is_ahead, "alerts": alerts}, ensure_ascii=False)


def from_text(text: str) -> Copy:
    """Raises ValueError where it is not what `to_text` writes."""
    try:
        content = json.loads(text)
        if content["version"] != _VERSION:
            raise ValueError(f"its version is {content['version']!r}, not {_VERSION}")
        return Copy(tuple(Alert.from_dict(alert) for alert in content["alerts"]), bool(content["ahead"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is no copy of the alerts: {error!r}") from error


def caught_up(warehouse: Iterable[Alert], copy: Iterable[Alert]) -> list[Alert]:
    """The alerts of the warehouse with what the copy knows that is ahead of it.

    What has recovered in either stays so, and an acknowledgement that was made in the warehouse meanwhile is kept.
    """
    known = {alert.alert_id: alert for alert in warehouse}
    open_now = {alert.key: alert for alert in known.values() if alert.is_open}
    for alert in copy:
        same = known.get(alert.alert_id)
        twin = open_now.get(alert.key)
        if same is not None:
            known[same.alert_id] = _merged(same, alert)
        elif twin is not None and twin.opened_at <= (alert.recovered_at or alert.last_seen_at):
            # Opened a second time, from an empty state: the warehouse's own is the older one.
            known[twin.alert_id] = _merged(known[twin.alert_id], alert)
        else:
            known[alert.alert_id] = alert
    return list(known.values())


def _merged(ours: Alert, ahead: Alert) -> Alert:
    newer = ours if ours.last_seen_at > ahead.last_seen_at else ahead
    told = max((ours, ahead), key=lambda alert: (_moment(alert.last_sent_at), alert is ahead))
    recovered = [moment for moment in (ours.recovered_at, ahead.recovered_at) if moment]
    return replace(
        newer,
        alert_id=ours.alert_id,
        opened_at=min(ours.opened_at, ahead.opened_at),
        last_sent_at=told.last_sent_at,
        sent_count=max(ours.sent_count, ahead.sent_count),
        sent_level=told.sent_level,
        acknowledged_at=_acknowledged_at(ours, ahead),
        recovered_at=min(recovered) if recovered else None,
    )


def _acknowledged_at(ours: Alert, ahead: Alert) -> datetime | None:
    """The latest, unless the alert has got worse since and was told again."""
    moments = [moment for moment in (ours.acknowledged_at, ahead.acknowledged_at) if moment]
    if not moments:
        return None
    is_worse = severity(ahead.sent_level) > severity(ours.sent_level)
    return None if is_worse and max(moments) <= _told_at(ahead) else max(moments)


def _told_at(alert: Alert) -> datetime:
    return alert.last_sent_at or alert.opened_at


def _moment(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
