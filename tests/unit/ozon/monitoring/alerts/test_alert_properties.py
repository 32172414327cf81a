"""Properties of the alerting in random stories of results, failures and deliveries."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ozon.monitoring.alerts.model import Incident, Kind, Message
from include.ozon.monitoring.alerts.muting import causes_of, group_of
from include.ozon.monitoring.unchecked import CHANNEL_FAILED
from tests.support.alerts import (
    REPEAT_MINUTES,
    START,
    STORY_MINUTES,
    STORY_RULES,
    STORY_STATUSES,
    Runs,
    StoryStep,
    alert_settings,
)

REPEAT_INTERVAL = timedelta(minutes=REPEAT_MINUTES)
SETTINGS = alert_settings()

IncidentKey = tuple[str, str | None]


@dataclass(frozen=True)
class Step(StoryStep):
    is_failing: bool


def steps(*, has_events: bool) -> st.SearchStrategy[list[Step]]:
    causes = st.sampled_from([None, "warehouse_reachable", "api_key"])
    return st.lists(
        st.builds(
            Step,
            minutes=st.sampled_from(STORY_MINUTES),
            statuses=st.tuples(*[st.sampled_from(STORY_STATUSES) for _ in STORY_RULES]),
            is_failing=st.sampled_from([False, False, False, True]),
            failed=st.lists(causes, max_size=2 if has_events else 0).map(tuple),
        ),
        min_size=1,
        max_size=14,
    )


def incidents_in(message: Message) -> set[IncidentKey]:
    return {(group_of(alert.rule, alert.subject), alert.account) for alert in message.alerts}


class World:
    """Sends the steps, and keeps what reached people, for each incident."""

    def __init__(self) -> None:
        self.runs = Runs(SETTINGS)
        self.notified: dict[IncidentKey, list[tuple[Kind, datetime, int]]] = {}
        self.recovered: dict[IncidentKey, list[datetime]] = {}
        """Also those whose message did not get through: it is superseded where the incident opens again."""

    def take(self, step: Step) -> list[Message]:
        runs = self.runs
        now = runs.now + timedelta(minutes=step.minutes)
        failing = ["team"] if step.is_failing else []
        messages = runs.run(*step.results(), events=step.events(now), minutes=step.minutes, failing=failing)
        for message in messages:
            if message.kind is Kind.RESOLVED:
                for incident in incidents_in(message):
                    self.recovered.setdefault(incident, []).append(runs.now)
            if not step.is_failing:
                self._keep(message)
        return messages

    def _keep(self, message: Message) -> None:
        for incident in incidents_in(message):
            levels = [alert.level for alert in message.alerts if alert.account == incident[1]]
            level = 2 if "critical" in levels else 1
            self.notified.setdefault(incident, []).append((message.kind, self.runs.now, level))


def quick(examples: int = 300) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


@quick()
@given(steps(has_events=True))
def test_nothing_is_notified_twice_in_the_repeat_interval_unless_it_is_worse_or_was_resolved(
    story: list[Step],
) -> None:
    world = World()
    for step in story:
        world.take(step)

    for incident, notified in world.notified.items():
        messages = [entry for entry in notified if entry[0] is not Kind.RESOLVED]
        for (_, before_at, before_level), (_, at, level) in itertools.pairwise(messages):
            has_recovered = any(before_at < resolved_at <= at for resolved_at in world.recovered.get(incident, []))
            assert at - before_at >= REPEAT_INTERVAL or level > before_level or has_recovered


@quick()
@given(steps(has_events=False))
def test_every_notified_incident_that_ends_gets_exactly_one_resolution(story: list[Step]) -> None:
    world = World()
    for step in story:
        world.take(step)
    all_well = Step(minutes=5, statuses=("ok",) * len(STORY_RULES), failed=(), is_failing=False)
    world.take(all_well)
    world.take(all_well)

    for notified in world.notified.values():
        is_open = False
        for kind, _, _ in notified:
            # The message has the most important kind of its accounts, so one that lasts may be in an "opened".
            assert is_open or kind is Kind.OPENED
            is_open = kind is not Kind.RESOLVED
        assert not is_open
    # A channel that has delivered nothing since it failed is still failing for all that is known.
    assert not [alert for alert in world.runs.alerts if alert.is_firing and alert.rule != CHANNEL_FAILED.name]


@quick()
@given(steps(has_events=True))
def test_nothing_is_notified_that_a_firing_cause_inhibits(story: list[Step]) -> None:
    world = World()
    for step in story:
        messages = world.take(step)
        causes = [alert for alert in world.runs.alerts if alert.is_firing and alert.level == "critical"]
        for alert in (alert for message in messages if message.kind is not Kind.RESOLVED for alert in message.alerts):
            follows_from = causes_of(alert.rule, alert.subject)
            assert not [
                cause for cause in causes if cause.rule in follows_from and cause.account in {None, alert.account}
            ]
            assert alert.muted_by is None


@quick()
@given(steps(has_events=True))
def test_the_state_stays_sound(story: list[Step]) -> None:
    world = World()
    for step in story:
        messages = world.take(step)
        incidents, alerts = world.runs.incidents, world.runs.alerts
        for keys in (
            [alert.key for alert in alerts if alert.is_firing],
            [incident.key for incident in incidents if not incident.resolved_at],
        ):
            assert len(set(keys)) == len(keys)
        assert len({alert.alert_id for alert in alerts}) == len(alerts)
        for alert in alerts:
            assert alert.resolved_at is None or alert.resolved_at >= alert.opened_at
        for incident in incidents:
            assert (incident.notified_at is None) is (incident.notified_level is None)
            assert bool(incident.firing) is (incident.resolved_at is None)
            shown = {alert.alert_id for message in messages for alert in message.alerts}
            assert not [alert for alert in incident.alerts if alert.muted_by and alert.alert_id in shown]
            assert len(incident.by_channel) == len(incident.notifications)
        kinds = Counter((message.group, message.kind is Kind.RESOLVED) for message in messages)
        assert set(kinds.values()) <= {1}


def without_ids(incidents: Iterable[Incident]) -> Counter[Incident]:
    return Counter(
        replace(
            incident,
            incident_id="",
            alerts=tuple(sorted((replace(alert, alert_id="") for alert in incident.alerts), key=str)),
            notifications=tuple(
                sorted((replace(each, notification_id="") for each in incident.notifications), key=str)
            ),
        )
        for incident in incidents
    )


@quick(100)
@given(steps(has_events=True), st.integers())
def test_the_order_of_results_events_and_incidents_does_not_matter(story: list[Step], seed: int) -> None:
    shuffle = random.Random(seed).shuffle
    one, other = Runs(SETTINGS), Runs(SETTINGS)
    now = START
    for step in story:
        now += timedelta(minutes=step.minutes)
        results, events, incidents = step.results(), step.events(now), list(other.incidents)
        sent = one.run(*results, events=events, minutes=step.minutes)
        for order in (results, events, incidents):
            shuffle(order)
        other.incidents = tuple(incidents)
        sent_by_other = other.run(*results, events=events, minutes=step.minutes)
        assert [replace(message, incidents=()) for message in sent] == [
            replace(message, incidents=()) for message in sent_by_other
        ]
        for message, same in zip(sent, sent_by_other, strict=True):
            assert without_ids(message.incidents) == without_ids(same.incidents)
        assert without_ids(other.incidents) == without_ids(one.incidents)


@pytest.mark.long
@pytest.mark.parametrize(
    ("check", "strategies"),
    [
        (
            test_nothing_is_notified_twice_in_the_repeat_interval_unless_it_is_worse_or_was_resolved,
            [steps(has_events=True)],
        ),
        (test_every_notified_incident_that_ends_gets_exactly_one_resolution, [steps(has_events=False)]),
        (test_nothing_is_notified_that_a_firing_cause_inhibits, [steps(has_events=True)]),
        (test_the_state_stays_sound, [steps(has_events=True)]),
        (
            test_the_order_of_results_events_and_incidents_does_not_matter,
            [steps(has_events=True), st.integers()],
        ),
    ],
)
def test_it_holds_for_2000_stories(check: Any, strategies: list[Any]) -> None:
    quick(2000)(given(*strategies)(check.hypothesis.inner_test))()
