"""What a sending has seen: results and events, as what an alert opens, lasts or recovers with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from include.ozon.monitoring.alerts.groups import group_of
from include.ozon.monitoring.alerts.model import Alert, Event, Key
from include.ozon.monitoring.results import CheckResult, Status, worst
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.monitoring.unchecked import RULES as UNCHECKED
from include.ozon.monitoring.unchecked import UNMEASURED
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel, Limits

# A message names so many of the checks that broke for one reason; the health check's page has them all.
_NAMED_CHECKS = 4
_NAMED_REASONS = 3
_UNCHECKED = frozenset(rule.name for rule in UNCHECKED)


@dataclass(frozen=True)
class Observation:
    """A rule's state for one account and subject.

    ``accounts`` are those it was seen for, which are several where an area's checks are counted together.
    """

    status: Status
    message: str
    accounts: tuple[str | None, ...]
    value: float | None = None
    threshold: float | None = None

    @property
    def level(self) -> AlertLevel | None:
        match self.status:
            case Status.WARNING:
                return "warning"
            case Status.CRITICAL:
                return "critical"
            case _:
                return None


@dataclass(frozen=True)
class Observed:
    states: Mapping[Key, Observation] = field(default_factory=dict)
    events: Mapping[Key, Sequence[Event]] = field(default_factory=dict)


def limits_of(settings: Settings, name: str) -> Limits | None:
    """Return the limits of a rule, unless it is turned off or unknown to this version."""
    rule = RULE_BY_NAME.get(name)
    limits = rule.limits_in(settings) if rule else None
    return limits if limits and limits.enabled else None


def repeat_interval(settings: Settings, alert: Alert) -> timedelta:
    """Return how long until an unresolved incident with this alert is notified again."""
    group = settings.alerts.groups.get(group_of(alert.rule, alert.subject))
    return timedelta(minutes=(group and group.repeat_minutes) or settings.alerts.repeat_minutes)


def observe(results: Iterable[CheckResult], events: Iterable[Event], settings: Settings) -> Observed:
    """What there is to judge: neither rules that are off nor accounts that are no longer configured."""
    judged = [result for result in results if _is_judged(result.check, result.account, settings)]
    states: dict[Key, Observation] = {}
    for result in judged:
        if result.check not in _UNCHECKED:
            key = (result.check, result.account, "")
            states[key] = _worse(states.get(key), _observation(result))
    states |= _unmeasured(judged, settings)
    happened: defaultdict[Key, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.happened_at, event.level, event.message)):
        if _is_judged(event.rule, event.account, settings):
            happened[event.rule, event.account, event.subject].append(event)
    return Observed(states, happened)


def _is_judged(rule: str, account: str | None, settings: Settings) -> bool:
    return limits_of(settings, rule) is not None and (account is None or account in settings.accounts)


def _observation(result: CheckResult) -> Observation:
    return Observation(result.status, result.message, (result.account,), result.value, result.threshold)


def _worse(one: Observation | None, other: Observation) -> Observation:
    """The worse of two findings for one key, whichever came first."""
    if one is None:
        return other
    of_one = worst([one.status, other.status]) is one.status
    if one.status is other.status:
        of_one = one.message >= other.message
    return one if of_one else other


def _unmeasured(results: Sequence[CheckResult], settings: Settings) -> dict[Key, Observation]:
    """The rule `unmeasured` of each area that was looked at."""
    limits = UNMEASURED.limits_in(settings)
    if not limits.enabled:
        return {}
    return {
        (UNMEASURED.name, None, area): _broken_checks(
            area,
            [result for result in results if result.area == area and result.status is Status.ERROR],
            limits.level,
        )
        for area in sorted({result.area for result in results})
    }


def _broken_checks(area: str, failures: Sequence[CheckResult], level: AlertLevel) -> Observation:
    if not failures:
        return Observation(Status.OK, f"Every check of {area} could be measured.", (None,))
    by_reason: defaultdict[str, set[str]] = defaultdict(set)
    for failure in failures:
        by_reason[failure.message].add(_named(failure))
    parts = [
        reason if names == {UNMEASURED.name} else f"{_listed(sorted(names))}: {reason}"
        for reason, names in sorted(by_reason.items())
    ]
    more = f" And {len(parts) - _NAMED_REASONS} for other reasons." if len(parts) > _NAMED_REASONS else ""
    return Observation(
        Status(level),
        f"Checks of {area} could not be measured. {' '.join(parts[:_NAMED_REASONS])}{more}",
        tuple(sorted({failure.account for failure in failures}, key=str)),
        float(len(failures)),
    )


def _named(failure: CheckResult) -> str:
    return f"{failure.check} of {failure.account}" if failure.account else failure.check


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED_CHECKS} more" if len(names) > _NAMED_CHECKS else ""
    return ", ".join(names[:_NAMED_CHECKS]) + more
