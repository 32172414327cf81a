"""Which cause an alert follows from, by the alerts of a sending and those that have recovered lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from include.ozon.monitoring.alerts.groups import causes_of
from include.ozon.monitoring.alerts.model import Alert, Event


class Causes:
    """Asked of all alerts, after the sending's results have opened and closed them: their order does not matter.

    A cause that has recovered in this very sending still counts. With the warehouse down nothing can be measured
    in it, so most of what it broke is first seen by the check that finds it working again.
    """

    def __init__(self, alerts: Iterable[Alert], now: datetime) -> None:
        self._now = now
        self._critical: defaultdict[str, list[Alert]] = defaultdict(list)
        for alert in alerts:
            if alert.level == "critical":
                self._critical[alert.rule].append(alert)

    def of_state(self, alert: Alert, accounts: Sequence[str | None]) -> str | None:
        """The rule that explains an alert for each of the accounts for which it was seen."""
        rules = causes_of(alert.rule, alert.subject)
        found = [self._lasting(rules, account) for account in accounts]
        return found[0] if found and all(found) else None

    def of_event(self, event: Event) -> str | None:
        """The rule that explains an event: its alert was open when it happened, or has recovered since."""
        for rule in causes_of(event.rule, event.subject, event.caused_by):
            for cause in self._concerning(rule, event.account):
                if cause.recovered_at is None or cause.recovered_at >= event.happened_at:
                    return rule
        return None

    def still_lasts(self, alert: Alert) -> bool:
        """Whether the cause of a suppressed alert lasts, where the alert itself was not looked at."""
        return any(cause.is_open for cause in self._of_suppressed(alert))

    def ended_at(self, alert: Alert) -> datetime | None:
        """When the cause of a suppressed alert recovered; None where that is not known, or it only got better."""
        found = self._of_suppressed(alert)
        return max((cause.recovered_at for cause in found if cause.recovered_at), default=None)

    def _lasting(self, rules: Iterable[str], account: str | None) -> str | None:
        for rule in rules:
            if any(cause.recovered_at in {None, self._now} for cause in self._concerning(rule, account)):
                return rule
        return None

    def _concerning(self, rule: str, account: str | None) -> list[Alert]:
        return [cause for cause in self._critical[rule] if cause.account in {None, account}]

    def _of_suppressed(self, alert: Alert) -> list[Alert]:
        # One that is for all accounts, such as the failed checks of an area, was explained by those of each.
        every = self._critical[alert.suppressed_by or ""]
        return every if alert.account is None else self._concerning(alert.suppressed_by or "", alert.account)
