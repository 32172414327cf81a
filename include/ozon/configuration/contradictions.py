"""Contradictions: values that are valid alone, but not together.

Each check returns the settings that it compared, so that the message can show their values and sources. A
contradiction is not reported if one of its settings is invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

from include.ozon.monitoring.rule import Unit
from include.ozon.monitoring.rules import GROUPS, RULE_BY_NAME, RULES
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.schedule import smallest_gap
from include.ozon.settings.guards import GuardsSettings, ThresholdGuardSettings
from include.ozon.settings.limits import Above, Below
from include.ozon.settings.model import Settings


class Contradiction(NamedTuple):
    keys: tuple[str, ...]
    message: str


def find_contradictions(settings: Settings) -> Iterator[Contradiction]:
    for check in _CHECKS:
        yield from check(settings)


def _timeouts(settings: Settings) -> dict[str, int]:
    """Return the time limit of an attempt of each component, in minutes."""
    return {name: component.timeout_minutes for name, component in settings.components}


def _timeout_key(component: str) -> str:
    return f"components.{component}.timeout_minutes"


def _runs_that_overlap(settings: Settings) -> Iterator[Contradiction]:
    """Require a run with all its retries to end before the next one is due.

    A component takes at most the longest wait before each retry plus one time-out; failed attempts are assumed to
    fail early. With the production defaults the waits are at most 10 + 20 + 40 minutes (see
    :meth:`RetrySettings.longest_waits_seconds`) and the time-out is 60: 130 minutes for each, 260 for both.
    Runs at 2, 8, 14 and 20 o'clock are 360 minutes apart, or 300 when the clock skips an hour.
    """
    waits_minutes = sum(settings.retry.longest_waits_seconds()) / 60
    timeouts = _timeouts(settings)
    needed_minutes = len(timeouts) * waits_minutes + sum(timeouts.values())
    gap_minutes = smallest_gap(settings.schedule.etl, settings.time_zone).total_seconds() / 60
    if needed_minutes > gap_minutes:
        yield Contradiction(
            (
                "schedule.etl",
                "time_zone",
                "retry.retries",
                "retry.first_delay_seconds",
                "retry.backoff_multiplier",
                "retry.max_delay_seconds",
                *map(_timeout_key, timeouts),
            ),
            f"two runs are only {gap_minutes:g} minutes apart, but one can take {needed_minutes:g}: "
            f"{' and '.join(timeouts)} each have {waits_minutes:g} minutes of waits and a time-out; "
            "run less often, or lower the retries, their waits or the time-outs",
        )


def _shrinking_waits(settings: Settings) -> Iterator[Contradiction]:
    first, longest = settings.retry.first_delay_seconds, settings.retry.max_delay_seconds
    if longest < first:
        yield Contradiction(
            ("retry.first_delay_seconds", "retry.max_delay_seconds"),
            f"the longest wait, {longest} seconds, is shorter than the first, {first}; "
            f"raise retry.max_delay_seconds to {first} or more, or lower retry.first_delay_seconds",
        )


def _pages_too_old_to_resume(settings: Settings) -> Iterator[Contradiction]:
    """Require the pages of a failed attempt to be usable after the shortest wait before a retry."""
    max_age_seconds = settings.load.resume_max_age_minutes * 60
    wait_seconds = min(settings.retry.first_delay_seconds, settings.retry.max_delay_seconds)
    if settings.retry.retries and max_age_seconds <= wait_seconds:
        yield Contradiction(
            (
                "load.resume_max_age_minutes",
                "retry.first_delay_seconds",
                "retry.max_delay_seconds",
                "retry.retries",
            ),
            f"a retry can never resume: pages can be reused for {max_age_seconds} seconds, but a retry starts "
            f"after {wait_seconds} at the earliest; raise load.resume_max_age_minutes or lower "
            "retry.first_delay_seconds",
        )


def _more_requests_than_ozon_allows(settings: Settings) -> Iterator[Contradiction]:
    limit = 50
    total = settings.api.requests_per_second + settings.api.other_requests_per_second
    if total > limit:
        yield Contradiction(
            ("api.requests_per_second", "api.other_requests_per_second"),
            f"together {total} requests per second, but Ozon allows {limit} for one Client-Id; lower one",
        )


def _request_longer_than_its_task(settings: Settings) -> Iterator[Contradiction]:
    api = settings.api
    request_seconds = api.attempts * api.exchange_timeout_seconds + api.retry_budget_seconds
    for component, minutes in _timeouts(settings).items():
        if request_seconds >= minutes * 60:
            yield Contradiction(
                (
                    "api.attempts",
                    "api.exchange_timeout_seconds",
                    "api.retry_budget_seconds",
                    _timeout_key(component),
                ),
                f"one request alone can take {request_seconds:g} seconds (attempts x time-out + waits), "
                f"but all of {component} has {minutes * 60}; lower the attempts or the API's time-out, or "
                f"raise {_timeout_key(component)}",
            )


def _wait_longer_than_its_exchange(settings: Settings) -> Iterator[Contradiction]:
    whole_seconds = settings.api.exchange_timeout_seconds
    for name in ("connect_timeout_seconds", "read_timeout_seconds"):
        seconds = getattr(settings.api, name)
        if seconds > whole_seconds:
            yield Contradiction(
                (f"api.{name}", "api.exchange_timeout_seconds"),
                f"the time-out of {seconds:g} seconds is never reached: the whole exchange ends after "
                f"{whole_seconds:g}; lower api.{name} or raise api.exchange_timeout_seconds",
            )


def _budget_longer_than_its_task(settings: Settings) -> Iterator[Contradiction]:
    budget = settings.inventory.ozon_warehouses_budget_minutes
    component = INVENTORY_ETL.name
    timeout = settings.component(component).timeout_minutes
    if settings.inventory.ozon_warehouses and budget >= timeout:
        yield Contradiction(
            ("inventory.ozon_warehouses_budget_minutes", _timeout_key(component)),
            f"FBO warehouses may take {budget} minutes, but all of {component} has {timeout}; "
            f"lower inventory.ozon_warehouses_budget_minutes or raise {_timeout_key(component)}",
        )


def _statement_longer_than_its_task(settings: Settings) -> Iterator[Contradiction]:
    statement_seconds = settings.warehouse.statement_timeout_seconds
    for component, minutes in _timeouts(settings).items():
        if statement_seconds >= minutes * 60:
            yield Contradiction(
                ("warehouse.statement_timeout_seconds", _timeout_key(component)),
                f"the statement time-out, {statement_seconds} seconds, is never reached: {component} is stopped "
                f"after {minutes * 60}; lower warehouse.statement_timeout_seconds or raise "
                f"{_timeout_key(component)}",
            )


def _lock_wait_longer_than_statement(settings: Settings) -> Iterator[Contradiction]:
    """Require the lock time-out to be shorter: for PostgreSQL the wait for a lock is part of the statement."""
    lock_seconds = settings.warehouse.lock_timeout_seconds
    statement_seconds = settings.warehouse.statement_timeout_seconds
    if lock_seconds >= statement_seconds:
        yield Contradiction(
            ("warehouse.lock_timeout_seconds", "warehouse.statement_timeout_seconds"),
            f"the lock time-out, {lock_seconds} seconds, is never reached: the statement time-out, "
            f"{statement_seconds}, comes first; lower warehouse.lock_timeout_seconds below it",
        )


def _thresholds_that_never_fire(settings: Settings) -> Iterator[Contradiction]:
    """Require thresholds of shares below 100 per cent: no share is larger."""
    for name in GuardsSettings.model_fields:
        guard = getattr(settings.guards, name)
        if isinstance(guard, ThresholdGuardSettings) and guard.level != "off" and guard.threshold_pct >= 100:
            yield Contradiction(
                (f"guards.{name}.level", f"guards.{name}.threshold_pct"),
                f"the guard never fires: no share exceeds {guard.threshold_pct:g} per cent; "
                f'lower guards.{name}.threshold_pct below 100, or set guards.{name}.level to "off"',
            )
    if settings.load.listing_shortfall_pct >= 100:
        yield Contradiction(
            ("load.listing_shortfall_pct",),
            "even an empty list would count as complete; lower load.listing_shortfall_pct below 100",
        )


def _limits_in_the_wrong_order(settings: Settings) -> Iterator[Contradiction]:
    """Require the limits in this order: ok, warning, critical."""
    for rule in RULES:
        key, limits = rule.key, rule.limits_in(settings)
        if isinstance(limits, Above) and limits.critical < limits.warning:
            wrong, right = "below", "at or above"
        elif isinstance(limits, Below) and limits.critical > limits.warning:
            wrong, right = "above", "at or below"
        else:
            continue
        yield Contradiction(
            (f"{key}.warning", f"{key}.critical"),
            f"the warning never fires: critical, {limits.critical:g}, is {wrong} warning, {limits.warning:g}; "
            f"set {key}.critical {right} {key}.warning",
        )


def _shares_that_never_fire(settings: Settings) -> Iterator[Contradiction]:
    for rule in RULES:
        key, limits = rule.key, rule.limits_in(settings)
        if rule.unit is Unit.SHARE and isinstance(limits, Above) and limits.enabled and limits.warning >= 100:
            yield Contradiction(
                (f"{key}.enabled", f"{key}.warning"),
                f"the rule never fires: no share exceeds {limits.warning:g} per cent; "
                f"lower {key}.warning below 100, or set {key}.enabled to false",
            )


def _unknown_groups(settings: Settings) -> Iterator[Contradiction]:
    for name, group in settings.alerts.groups.items():
        if name not in GROUPS:
            keys = tuple(f"alerts.groups.{name}.{key}" for key in sorted(group.model_fields_set))
            yield Contradiction(keys, f"unknown group '{name}'{_meant(name, GROUPS)}")


def _unknown_channels(settings: Settings) -> Iterator[Contradiction]:
    known = ", ".join(settings.alerts.channels) or "none yet"
    for name, group in settings.alerts.groups.items():
        for channel in group.channels:
            if channel not in settings.alerts.channels:
                yield Contradiction(
                    (f"alerts.groups.{name}.channels",),
                    f"unknown channel '{channel}'; known in alerts.channels: {known}",
                )


def _invalid_recipients(settings: Settings) -> Iterator[Contradiction]:
    for name, channel in settings.alerts.channels.items():
        if channel.kind == "email" and not channel.recipients:
            yield Contradiction(
                (f"alerts.channels.{name}.kind",),
                f"it has no recipients; add e-mail addresses to alerts.channels.{name}.recipients",
            )
        if channel.kind == "apprise" and channel.recipients:
            yield Contradiction(
                (f"alerts.channels.{name}.kind", f"alerts.channels.{name}.recipients"),
                f"Apprise's addresses are in the connection {channel.connection}; remove "
                f"alerts.channels.{name}.recipients",
            )


def _invalid_silences(settings: Settings) -> Iterator[Contradiction]:
    for name, silence in settings.alerts.silences.items():
        key = f"alerts.silences.{name}"
        starts_at, ends_at = (settings.in_time_zone(moment) for moment in (silence.starts_at, silence.ends_at))
        if ends_at <= starts_at:
            yield Contradiction(
                (f"{key}.starts_at", f"{key}.ends_at"), "it ends before it begins; swap or correct them"
            )
        for rule in silence.rules:
            if rule not in RULE_BY_NAME:
                yield Contradiction((f"{key}.rules",), f"unknown rule '{rule}'{_meant(rule, RULE_BY_NAME)}")
        for account in silence.accounts:
            if account not in settings.accounts:
                known = ", ".join(settings.accounts)
                yield Contradiction((f"{key}.accounts",), f"unknown account '{account}'; known in accounts: {known}")


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else "; docs/configuration.md lists all of them"


_CHECKS: tuple[Callable[[Settings], Iterator[Contradiction]], ...] = (
    _runs_that_overlap,
    _shrinking_waits,
    _pages_too_old_to_resume,
    _more_requests_than_ozon_allows,
    _request_longer_than_its_task,
    _wait_longer_than_its_exchange,
    _budget_longer_than_its_task,
    _statement_longer_than_its_task,
    _lock_wait_longer_than_statement,
    _thresholds_that_never_fire,
    _limits_in_the_wrong_order,
    _shares_that_never_fire,
    _unknown_groups,
    _unknown_channels,
    _invalid_recipients,
    _invalid_silences,
)
