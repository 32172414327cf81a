"""Random stories with a real warehouse: what is read back decides the same as what was never written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from include.ozon.errors import WarehouseUnavailableError
from include.ozon.monitoring.alerts import store
from include.ozon.monitoring.alerts.message import Mail
from include.ozon.monitoring.alerts.model import Incident, Kind, Message, worst_level
from include.ozon.monitoring.alerts.sender import send_alerts
from include.ozon.monitoring.alerts.state import Copy
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel
from include.ozon.warehouse.session import Connection
from tests.support.alerts import (
    REPEAT_MINUTES,
    START,
    STORY_MINUTES,
    STORY_RULES,
    STORY_STATUSES,
    MemoryKeeper,
    Runs,
    StoryStep,
    alert_settings,
)
from tests.support.pipeline import changed

TEAM = {"kind": "email", "recipients": ["team@ozon.example"]}
DUTY = {"kind": "apprise", "connection": "telegram", "min_level": "critical"}
CHANNELS = ("duty", "other", "team")
SILENCES: dict[str, dict[str, Any]] = {"all": {}, "main": {"accounts": ["main"]}, "disk": {"rules": ["disk_used_pct"]}}


@dataclass(frozen=True)
class Step(StoryStep):
    failing: frozenset[str]
    is_away: bool
    is_acknowledged: bool = False
    without: str = ""
    """A channel, account or rule that is not in the configuration."""
    silence: str = ""
    has_channel_rule: bool = True
    """Its state depends on how long ago a delivery was, and the copy remembers for longer than the warehouse."""

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(name for name in CHANNELS if name != self.without)

    @property
    def settings(self) -> Settings:
        configured = {name: TEAM if name != "duty" else DUTY for name in self.channels}
        values: dict[str, Any] = {"channels": configured}
        if self.silence:
            window = {"starts_at": START, "ends_at": START + timedelta(days=90)}
            values["silences"] = {"work": window | SILENCES[self.silence]}
        made = changed(alert_settings(**values), "rules.channel_failed", enabled=self.has_channel_rule)
        if self.without == "disk_used_pct":
            return changed(made, "rules.disk_used_pct", enabled=False)
        if self.without == "second":
            return made.model_copy(update={"accounts": {"main": made.accounts["main"]}})
        return made


def stories(*, has_outages: bool) -> st.SearchStrategy[list[Step]]:
    return st.lists(
        st.builds(
            Step,
            minutes=st.sampled_from(STORY_MINUTES),
            statuses=st.tuples(*[st.sampled_from(STORY_STATUSES) for _ in STORY_RULES]),
            failing=st.frozensets(st.sampled_from(CHANNELS), max_size=2) | st.just(frozenset()),
            failed=st.lists(st.sampled_from([None, "warehouse_reachable", "api_key"]), max_size=2).map(tuple),
            is_acknowledged=st.sampled_from([False, False, True]),
            without=st.sampled_from(["", "", "", "team", "duty", "second", "disk_used_pct"]),
            silence=st.sampled_from(["", "", "", "all", "main", "disk"]),
            has_channel_rule=st.just(not has_outages),
            is_away=st.booleans() if has_outages else st.just(False),
        ),
        min_size=1,
        max_size=12,
    )


class Channel:
    """A channel that takes messages unless its name is among the failing."""

    def __init__(self, name: str, world: World) -> None:
        self.name, self.world = name, world

    def deliver(self, mail: Mail, level: AlertLevel) -> None:
        if self.name in self.world.failing:
            raise ConnectionError


def no_warehouse() -> NoReturn:
    raise WarehouseUnavailableError("Nothing listens.")


class World:
    """Sends with nothing of the run before but what the warehouse and the copy have."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.keeper = MemoryKeeper()
        self.delivered_count = 0
        self.now = START
        self.failing: Collection[str] = ()
        self.channels: dict[str, Any] = {name: Channel(name, self) for name in CHANNELS}

    def run(self, step: Step) -> Counter[Any]:
        self.now += timedelta(minutes=step.minutes)
        self.failing = step.failing
        report = send_alerts(
            step.results(),
            step.events(self.now),
            connect=no_warehouse if step.is_away else (lambda: psycopg.connect(self.dsn)),
            keeper=self.keeper,
            channels={name: self.channels[name] for name in step.channels},
            settings=step.settings,
            now=self.now,
        )
        self.delivered_count += sum(len(sent.message.incidents) * len(sent.delivered) for sent in report.sent)
        return Counter(content(sent.message, sent.delivered) for sent in report.sent)


def content(message: Message, delivered: Collection[str]) -> Any:
    alerts = tuple(replace(alert, alert_id="") for alert in message.alerts)
    return message.kind, message.group, message.level, message.channels, tuple(delivered), alerts


def comparable(incidents: Iterable[Incident]) -> Counter[Any]:
    return Counter(
        replace(
            incident,
            incident_id="",
            alerts=tuple(sorted((replace(alert, alert_id="") for alert in incident.firing), key=str)),
            notifications=tuple(
                sorted(
                    (replace(each, notification_id="") for each in incident.notifications if not each.delivered_at),
                    key=str,
                )
            ),
        )
        for incident in incidents
        if not incident.resolved_at
    )


def is_needed(incident: Incident, now: datetime) -> bool:
    """Return whether a decision reads the incident from the warehouse."""
    is_missed = any(each.kind is Kind.RESOLVED and not each.delivered_at for each in incident.notifications)
    is_recent = not incident.resolved_at or incident.resolved_at >= now - timedelta(minutes=REPEAT_MINUTES)
    return is_recent or is_missed


def in_memory(runs: Runs, step: Step) -> Counter[Any]:
    now = runs.now + timedelta(minutes=step.minutes)
    runs.settings, runs.channels = step.settings, step.channels
    runs.incidents = tuple(incident for incident in runs.incidents if is_needed(incident, now))
    messages = runs.run(*step.results(), events=step.events(now), minutes=step.minutes, failing=step.failing)
    return Counter(
        content(message, [name for name in message.channels if name not in step.failing]) for message in messages
    )


def follow(dsn: str, connection: Connection, story: list[Step]) -> None:
    connection.execute("TRUNCATE ozon.incidents CASCADE")
    world, runs = World(dsn), Runs()
    was_away = True
    for number, step in enumerate(story):
        if step.is_acknowledged and not was_away and not step.is_away:
            acknowledge(connection, runs)
        was_away = step.is_away
        expected = in_memory(runs, step)
        sent = world.run(step)
        assert sent == expected, f"step {number}"
        copy = Copy.from_text(world.keeper.text or "")
        assert copy.is_ahead is step.is_away
        assert comparable(copy.incidents) == comparable(runs.incidents), f"copy of step {number}"
        if not step.is_away:
            found = store.recent_incidents(connection, START)
            assert comparable(found) == comparable(runs.incidents), f"warehouse of step {number}"
            check_tables(connection)
            if not any(each.is_away for each in story):
                assert connection.execute(
                    "SELECT count(*) FROM ozon.notifications WHERE delivered_at IS NOT NULL"
                ).fetchone() == (world.delivered_count,)


def acknowledge(connection: Connection, runs: Runs) -> None:
    for incident in store.recent_incidents(connection, START):
        if not incident.resolved_at:
            store.acknowledge(connection, incident.incident_id, "anna", None, runs.now)
    runs.incidents = tuple(
        incident
        if incident.resolved_at
        else replace(
            incident,
            acknowledged_at=runs.now,
            acknowledged_by="anna",
            notified_level=worst_level([incident.level, incident.notified_level]) if incident.notified_at else None,
        )
        for incident in runs.incidents
    )


def check_tables(connection: Connection) -> None:
    for query in (
        # Alerts that fire in a resolved incident.
        "SELECT * FROM ozon.alerts JOIN ozon.incidents i USING (incident_id) "
        "WHERE alerts.resolved_at IS NULL AND i.resolved_at IS NOT NULL",
        # Unresolved incidents without one.
        "SELECT * FROM ozon.incidents i WHERE resolved_at IS NULL AND NOT EXISTS ("
        "SELECT FROM ozon.alerts a WHERE a.incident_id = i.incident_id AND a.resolved_at IS NULL)",
        "SELECT rule, account, subject FROM ozon.alerts WHERE resolved_at IS NULL GROUP BY 1, 2, 3 HAVING count(*) > 1",
        "SELECT * FROM ozon.notifications WHERE delivered_at IS NOT NULL AND attempts = 0",
    ):
        assert connection.execute(query.encode()).fetchall() == []


@pytest.fixture
def connection(warehouse_dsn: str) -> Iterator[Connection]:
    with psycopg.connect(warehouse_dsn, autocommit=True) as connection:
        yield connection


def quick(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        # Each story is a dozen runs: shrinking one takes minutes.
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@quick(20)
@given(story=stories(has_outages=False))
def test_what_the_warehouse_has_decides_as_what_was_never_written(
    warehouse_dsn: str, connection: Connection, story: list[Step]
) -> None:
    follow(warehouse_dsn, connection, story)


@quick(40)
@given(story=stories(has_outages=True))
def test_a_warehouse_that_goes_away_and_comes_back_changes_no_message(
    warehouse_dsn: str, connection: Connection, story: list[Step]
) -> None:
    follow(warehouse_dsn, connection, story)
