"""What holds whatever happens: random findings, failures and deliveries over time."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from include.ozon.monitoring.alerts.groups import causes_of, group_of
from include.ozon.monitoring.alerts.model import Alert, Event, Kind, Notice
from include.ozon.monitoring.results import CheckResult
from tests.support.alerts import REPEAT_MINUTES, START, Sendings, alert_settings, broken, failed_task, seen

REPEAT_INTERVAL = timedelta(minutes=REPEAT_MINUTES)
SETTINGS = alert_settings()
STATES = (
    ("warehouse_reachable", None),
    ("api_key", "main"),
    ("product_etl_age_hours", "main"),
    ("failures_in_a_row", "main"),
    ("failures_in_a_row", "second"),
    ("disk_used_pct", None),
)
STATUSES = ("ok", "ok", "warning", "critical", "unknown", "broken", "not looked at")

Incident = tuple[str, str | None]


@dataclass(frozen=True)
class Step:
    minutes: int
    statuses: tuple[str, ...]
    is_failing: bool
    failed: tuple[str | None, ...]
    """The causes that failed tasks name, of this sending."""

    def results(self) -> list[CheckResult]:
        found = []
        for (rule, account), status in zip(STATES, self.statuses, strict=True):
            if status == "broken":
                found.append(broken(rule, account, area="all"))
            elif status != "not looked at":
                found.append(seen(rule, status, account, area="all"))
        return found

    def events(self, now: datetime) -> list[Event]:
        return [
            failed_task(now - timedelta(minutes=number), caused_by=[cause] if cause else [])
            for number, cause in enumerate(self.failed, start=1)
        ]


def steps(*, has_events: bool) -> st.SearchStrategy[list[Step]]:
    causes = st.sampled_from([None, "warehouse_reachable", "api_key"])
    return st.lists(
        st.builds(
            Step,
            minutes=st.sampled_from([5, 15, REPEAT_MINUTES // 2, REPEAT_MINUTES, 3 * REPEAT_MINUTES]),
            statuses=st.tuples(*[st.sampled_from(STATUSES) for _ in STATES]),
            is_failing=st.sampled_from([False, False, False, True]),
            failed=st.lists(causes, max_size=2 if has_events else 0).map(tuple),
        ),
        min_size=1,
        max_size=14,
    )


def incidents_in(notice: Notice) -> set[Incident]:
    return {(group_of(alert.rule, alert.subject), alert.account) for alert in notice.alerts}


class World:
    """Sends the steps, and keeps what reached people, for each incident."""

    def __init__(self) -> None:
        self.sendings = Sendings(SETTINGS)
        self.told: dict[Incident, list[tuple[Kind, datetime, int]]] = {}
        self.recovered: dict[Incident, list[datetime]] = {}
        """Also those whose message did not get through: it is superseded where the incident opens again."""

    def take(self, step: Step) -> list[Notice]:
        sendings = self.sendings
        now = sendings.now + timedelta(minutes=step.minutes)
        failing = ["team"] if step.is_failing else []
        notices = sendings.send(*step.results(), events=step.events(now), minutes=step.minutes, failing=failing)
        for notice in notices:
            if notice.kind is Kind.RECOVERED:
                for incident in incidents_in(notice):
                    self.recovered.setdefault(incident, []).append(sendings.now)
            if not step.is_failing:
                self._keep(notice)
        return notices

    def _keep(self, notice: Notice) -> None:
        for incident in incidents_in(notice):
            levels = [alert.level for alert in notice.alerts if alert.account == incident[1]]
            level = 2 if "critical" in levels else 1
            self.told.setdefault(incident, []).append((notice.kind, self.sendings.now, level))


def quick(examples: int = 300) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


@quick()
@given(steps(has_events=True))
def test_nothing_is_told_twice_in_the_repeat_interval_unless_it_is_worse_or_had_recovered(
    story: list[Step],
) -> None:
    world = World()
    for step in story:
        world.take(step)

    for incident, told in world.told.items():
        messages = [entry for entry in told if entry[0] is not Kind.RECOVERED]
        for (_, before_at, before_level), (_, at, level) in itertools.pairwise(messages):
            has_recovered = any(before_at < recovered_at <= at for recovered_at in world.recovered.get(incident, []))
            assert at - before_at >= REPEAT_INTERVAL or level > before_level or has_recovered


@quick()
@given(steps(has_events=False))
def test_every_told_incident_that_ends_gets_exactly_one_recovery(story: list[Step]) -> None:
    world = World()
    for step in story:
        world.take(step)
    all_well = Step(5, ("ok",) * len(STATES), False, ())
    world.take(all_well)
    world.take(all_well)

    for told in world.told.values():
        is_open = False
        for kind, _, _ in told:
            # The notice has the most important kind of its accounts, so one that lasts may be in an "opened".
            assert is_open or kind is Kind.OPENED
            is_open = kind is not Kind.RECOVERED
        assert not is_open
    assert not [alert for alert in world.sendings.alerts if alert.is_open]


@quick()
@given(steps(has_events=True))
def test_nothing_is_told_of_what_follows_from_an_open_cause(story: list[Step]) -> None:
    world = World()
    for step in story:
        notices = world.take(step)
        causes = [alert for alert in world.sendings.alerts if alert.is_open and alert.level == "critical"]
        for alert in (alert for notice in notices if notice.kind is not Kind.RECOVERED for alert in notice.alerts):
            follows_from = causes_of(alert.rule, alert.subject)
            assert not [
                cause for cause in causes if cause.rule in follows_from and cause.account in {None, alert.account}
            ]
            assert alert.suppressed_by is None


@quick()
@given(steps(has_events=True))
def test_the_state_stays_sound(story: list[Step]) -> None:
    world = World()
    for step in story:
        notices = world.take(step)
        alerts = world.sendings.alerts
        open_keys = Counter(alert.key for alert in alerts if alert.is_open)
        assert set(open_keys.values()) <= {1}
        assert len({alert.alert_id for alert in alerts}) == len(alerts)
        for alert in alerts:
            assert alert.recovered_at is None or alert.recovered_at >= alert.opened_at
            assert (alert.last_sent_at is None) is (alert.sent_level is None)
            assert alert.suppressed_by is None or alert.last_sent_at is None
        kinds = Counter((notice.group, notice.kind is Kind.RECOVERED) for notice in notices)
        assert set(kinds.values()) <= {1}


def without_ids(notices: list[Notice]) -> set[Notice]:
    return {
        replace(notice, alerts=tuple(replace(alert, alert_id="same") for alert in notice.alerts)) for notice in notices
    }


def state(alerts: tuple[Alert, ...]) -> Counter[Alert]:
    return Counter(replace(alert, alert_id="same") for alert in alerts)


@quick(100)
@given(steps(has_events=True), st.integers())
def test_the_order_of_what_is_handed_over_does_not_matter(story: list[Step], seed: int) -> None:
    shuffle = random.Random(seed).shuffle
    one, other = Sendings(SETTINGS), Sendings(SETTINGS)
    now = START
    for step in story:
        now += timedelta(minutes=step.minutes)
        results, events, alerts = step.results(), step.events(now), list(other.alerts)
        told = one.send(*results, events=events, minutes=step.minutes)
        for order in (results, events, alerts):
            shuffle(order)
        other.alerts = tuple(alerts)
        assert without_ids(other.send(*results, events=events, minutes=step.minutes)) == without_ids(told)
        assert state(other.alerts) == state(one.alerts)
