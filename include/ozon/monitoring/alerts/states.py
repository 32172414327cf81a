"""States of rules: check results, and deliveries, brought to one state for each rule, account and subject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from include.ozon.monitoring.alerts.model import AlertKey, Event, Incident
from include.ozon.monitoring.results import CheckResult, Status, worst
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.monitoring.unchecked import CHANNEL_FAILED, UNMEASURED
from include.ozon.monitoring.unchecked import RULES as UNCHECKED
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel, Limits

# A message names so many of the checks that failed for one reason; the health check's page lists all.
_NAMED_CHECKS = 4
_NAMED_REASONS = 3
_UNCHECKED = frozenset(rule.name for rule in UNCHECKED)


@dataclass(frozen=True)
class State:
    """A rule's state. ``accounts`` has several where the checks of an area are counted together."""

    status: Status
    message: str
    accounts: tuple[str | None, ...] = (None,)
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


def limits_of(settings: Settings, name: str) -> Limits | None:
    """Return the limits of a rule, unless it is turned off or unknown to this version."""
    rule = RULE_BY_NAME.get(name)
    limits = rule.limits_in(settings) if rule else None
    return limits if limits and limits.enabled else None


def repeat_interval(settings: Settings, group: str) -> timedelta:
    """Return how long until an unresolved incident of the group is notified again."""
    found = settings.alerts.groups.get(group)
    return timedelta(minutes=(found and found.repeat_minutes) or settings.alerts.repeat_minutes)


def states_of(results: Iterable[CheckResult], settings: Settings) -> dict[AlertKey, State]:
    """Return the states that results show, without rules that are off and accounts that are not configured."""
    judged = [result for result in results if _is_judged(result.check, result.account, settings)]
    states: dict[AlertKey, State] = {}
    for result in judged:
        if result.check not in _UNCHECKED:
            key = (result.check, result.account, "")
            states[key] = _worse(states.get(key), _state(result))
    return states | _unmeasured(judged, settings)


def events_by_key(events: Iterable[Event], settings: Settings) -> dict[AlertKey, list[Event]]:
    """Return the events to judge, the oldest first."""
    found: defaultdict[AlertKey, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.happened_at, event.level, event.message)):
        if _is_judged(event.rule, event.account, settings):
            found[event.key].append(event)
    return found


def channel_states(
    incidents: Iterable[Incident], channels: Collection[str], settings: Settings
) -> dict[AlertKey, State]:
    """Return the state of the rule `channel_failed` for each channel that was used, by its last attempt."""
    limits = CHANNEL_FAILED.limits_in(settings)
    if not limits.enabled:
        return {}
    tried = [each for incident in incidents for each in incident.notifications if each.channel in channels]
    states: dict[AlertKey, State] = {}
    for channel in sorted({each.channel for each in tried}):
        of_channel = [each for each in tried if each.channel == channel]
        delivered_at = max((each.delivered_at for each in of_channel if each.delivered_at), default=None)
        failed = [each for each in of_channel if each.error and not (delivered_at and delivered_at > each.created_at)]
        if failed:
            error = max(failed, key=lambda each: each.created_at).error
            message = (
                f"Channel {channel} could not deliver ({error}). What it missed is sent again with each check. "
                f"Check the connection that alerts.channels.{channel} names."
            )
            states[CHANNEL_FAILED.name, None, channel] = State(Status(limits.level), message)
        elif delivered_at:
            states[CHANNEL_FAILED.name, None, channel] = State(Status.OK, f"Channel {channel} delivers.")
    return states


def _is_judged(rule: str, account: str | None, settings: Settings) -> bool:
    return limits_of(settings, rule) is not None and (account is None or account in settings.accounts)


def _state(result: CheckResult) -> State:
    return State(result.status, result.message, (result.account,), result.value, result.threshold)


def _worse(one: State | None, other: State) -> State:
    """Return the worse of two states for one key, whichever came first."""
    if one is None:
        return other
    of_one = worst([one.status, other.status]) is one.status
    if one.status is other.status:
        of_one = one.message >= other.message
    return one if of_one else other


def _unmeasured(results: Sequence[CheckResult], settings: Settings) -> dict[AlertKey, State]:
    """Return the state of the rule `unmeasured` for each area that was checked."""
    limits = UNMEASURED.limits_in(settings)
    if not limits.enabled:
        return {}
    failures: dict[str, list[CheckResult]] = {result.area: [] for result in results}
    for result in results:
        if result.status is Status.ERROR:
            failures[result.area].append(result)
    return {
        (UNMEASURED.name, None, area): _failed_checks(area, failed, limits.level)
        for area, failed in sorted(failures.items())
    }


def _failed_checks(area: str, failures: Sequence[CheckResult], level: AlertLevel) -> State:
    if not failures:
        return State(Status.OK, f"Every check of {area} could be measured.")
    by_reason: defaultdict[str, set[str]] = defaultdict(set)
    for failure in failures:
        by_reason[failure.message].add(_named(failure))
    parts = [
        reason if names == {UNMEASURED.name} else f"{_listed(sorted(names))}: {reason}"
        for reason, names in sorted(by_reason.items())
    ]
    more = f" And {len(parts) - _NAMED_REASONS} for other reasons." if len(parts) > _NAMED_REASONS else ""
    return State(
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
