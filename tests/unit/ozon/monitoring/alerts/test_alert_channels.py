"""Channels of a notification: those of a group, their levels, and those that fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from include.ozon.errors import WarehouseUnavailableError
from include.ozon.monitoring.alerts import sender as sending
from include.ozon.monitoring.alerts.model import Event, Message
from include.ozon.monitoring.alerts.sender import SentReport, send_alerts
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from tests.support.alerts import (
    REPEAT_MINUTES,
    START,
    MemoryKeeper,
    RecordingChannel,
    Runs,
    alert_settings,
    failed_task,
    seen,
    with_group,
)
from tests.support.pipeline import changed

TEAM = {"kind": "email", "recipients": ["team@ozon.example"]}
DUTY = {"kind": "apprise", "connection": "telegram", "min_level": "critical"}
SECRET = "tgram://123456:secret-token/42"


def two_channels(duty: Mapping[str, Any] = DUTY) -> Settings:
    return alert_settings(channels={"team": TEAM, "duty": duty})


def besides_channels(messages: Sequence[Message]) -> list[Message]:
    """Return the messages that are not about a channel that failed."""
    return [message for message in messages if message.group != "channel_failed"]


def channels_of(messages: Sequence[Message]) -> list[tuple[str, ...]]:
    return [message.channels for message in messages]


def test_a_channel_for_what_is_critical_gets_no_warnings() -> None:
    runs = Runs(two_channels(), ["team", "duty"])

    assert channels_of(runs.run(seen("disk_used_pct", "warning"))) == [("team",)]
    assert channels_of(runs.run(seen("disk_used_pct", "critical"))) == [("duty", "team")]


def test_who_was_notified_of_something_critical_learns_that_it_is_only_a_warning_and_is_resolved() -> None:
    runs = Runs(two_channels(), ["team", "duty"])
    runs.run(seen("disk_used_pct", "critical"), seen("memory_used_pct", "critical"))
    runs.run(seen("memory_used_pct", "warning"))

    assert channels_of(runs.run(seen("memory_used_pct", "ok"))) == [("duty", "team")]
    assert channels_of(runs.run(seen("disk_used_pct", "warning"), minutes=30)) == [("duty", "team")]
    assert channels_of(runs.run(seen("disk_used_pct", "ok"))) == [("team",)]


def test_a_groups_channels_are_the_only_ones_that_get_it() -> None:
    settings = with_group(two_channels(), "loads", channels=["duty"])
    runs = Runs(settings, ["team", "duty"])

    assert channels_of(runs.run(seen("failures_in_a_row", "critical", "main"))) == [("duty",)]
    assert channels_of(runs.run(seen("disk_used_pct", "critical"))) == [("duty", "team")]


def test_a_failed_task_of_the_load_goes_to_the_channels_of_the_loads() -> None:
    runs = Runs(with_group(two_channels(), "loads", channels=["duty"]), ["team", "duty"])

    assert channels_of(runs.run(events=[failed_task(START)])) == [("duty",)]
    assert channels_of(runs.run(events=[failed_task(START, "ozon_maintenance.logs", None)])) == [("duty", "team")]


def test_a_level_too_low_for_every_channel_counts_as_not_notified() -> None:
    runs = Runs(alert_settings(channels={"duty": DUTY}), ["duty"])

    assert runs.notified(seen("disk_used_pct", "warning")) == []
    assert runs.notified(seen("disk_used_pct", "critical")) == ["opened disk_used_pct critical"]


def test_a_channel_that_failed_gets_the_present_state_next_time_and_the_others_no_repeat() -> None:
    runs = Runs(channels=["team", "duty"])
    runs.run(seen("disk_used_pct", "critical", value=96.0), failing=["duty"])
    notified_at = runs.unresolved["disk_used_pct"].notified_at
    assert runs.unresolved["disk_used_pct"].by_channel["duty"].delivered_at is None

    (message,) = besides_channels(runs.run(seen("disk_used_pct", "warning", value=90.0)))
    assert (message.kind, message.level, message.channels) == ("opened", "warning", ("duty",))
    assert message.alerts[0].value == 90.0
    incident = runs.unresolved["disk_used_pct"]
    assert (incident.notified_at, incident.by_channel["duty"].attempts) == (notified_at, 2)
    assert incident.by_channel["duty"].delivered_at == runs.now
    assert runs.notified(seen("disk_used_pct", "warning")) == ["resolved channel_failed warning"]


def test_a_retry_and_a_repeat_are_one_message() -> None:
    runs = Runs(channels=["team", "duty"])
    runs.run(seen("disk_used_pct"), failing=["duty"])

    messages = besides_channels(runs.run(seen("disk_used_pct"), minutes=REPEAT_MINUTES))
    assert channels_of(messages) == [("duty", "team")]
    assert besides_channels(runs.run(seen("disk_used_pct"))) == []


def test_a_channel_that_missed_one_account_gets_it_with_the_news_of_another() -> None:
    runs = Runs(channels=["team", "duty"])
    first, second = (seen("failures_in_a_row", "warning", account) for account in ("main", "second"))
    runs.run(first, failing=["duty"])
    messages = besides_channels(runs.run(first, second))

    assert {message.channels: [alert.account for alert in message.alerts] for message in messages} == {
        ("team",): ["second"],
        ("duty",): ["main", "second"],
    }
    assert besides_channels(runs.run(first, second)) == []


def test_a_recovery_that_a_channel_missed_is_sent_to_it_alone() -> None:
    runs = Runs(channels=["team", "duty"])
    runs.run(seen("disk_used_pct"))
    runs.run(seen("disk_used_pct", "ok"), failing=["duty"])
    (message,) = besides_channels(runs.run(seen("disk_used_pct", "ok"), minutes=5 * REPEAT_MINUTES))

    assert (message.kind, message.channels) == ("resolved", ("duty",))
    assert besides_channels(runs.run(seen("disk_used_pct", "ok"))) == []


def test_a_recovery_that_no_channel_delivered_is_notified_next_time() -> None:
    runs = Runs(channels=["team"])
    runs.run(seen("disk_used_pct"))
    runs.run(seen("disk_used_pct", "ok"), failing=["team"])

    assert runs.notified(seen("disk_used_pct", "ok")) == ["resolved disk_used_pct critical"]
    assert runs.notified(seen("disk_used_pct", "ok")) == []


def test_a_missed_resolution_without_an_alert_to_show_is_dropped() -> None:
    runs = Runs(channels=["team"])
    runs.run(seen("disk_used_pct"))
    runs.run(seen("disk_used_pct", "ok"), failing=["team"])
    (alert,) = runs.alerts
    runs.change(alerts=(replace(alert, muted_by="warehouse_reachable"),))

    assert runs.run(seen("disk_used_pct", "ok")) == []
    assert runs.incidents[0].notifications == ()


def test_a_missed_resolution_is_dropped_if_the_incident_opens_again() -> None:
    runs = Runs(channels=["team"])
    runs.run(seen("disk_used_pct"))
    runs.run(seen("disk_used_pct", "ok"), failing=["team"])

    assert runs.notified(seen("disk_used_pct")) == ["opened disk_used_pct critical"]
    assert runs.notified(seen("disk_used_pct")) == []


def test_what_a_channel_missed_goes_on_with_the_rules_that_are_left() -> None:
    runs = Runs(channels=["team", "duty"])
    runs.run(seen("product_etl_age_hours", "warning", "main"), failing=["duty"])
    messages = runs.run(seen("product_etl_age_hours", "ok", "main"), seen("failures_in_a_row", "warning", "main"))

    assert [(each.kind, each.channels) for each in besides_channels(messages)] == [("opened", ("duty",))]
    assert besides_channels(runs.run(seen("failures_in_a_row", "warning", "main"))) == []


def test_a_channel_that_is_no_longer_configured_misses_nothing() -> None:
    runs = Runs(channels=["team", "duty"])
    runs.run(seen("disk_used_pct"), failing=["duty"])
    runs.channels = ["team"]

    assert runs.run(seen("disk_used_pct")) == []
    assert "duty" not in runs.unresolved["disk_used_pct"].by_channel


def test_an_undelivered_message_moves_nothing_and_comes_again() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct"), failing=["team"])
    incident = runs.unresolved["disk_used_pct"]

    assert (incident.notified_at, incident.notified_level) == (None, None)
    assert runs.notified(seen("disk_used_pct")) == ["opened disk_used_pct critical"]
    assert runs.notified(seen("disk_used_pct")) == []


def test_an_undelivered_worse_comes_again() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))
    runs.run(seen("disk_used_pct", "critical"), failing=["team"])

    assert runs.notified(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]
    assert runs.notified(seen("disk_used_pct", "critical")) == []


# The sender, with the warehouse away


def no_warehouse() -> NoReturn:
    raise WarehouseUnavailableError("Nothing listens.")


class Sender:
    """`send_alerts` again and again, its state with a keeper."""

    def __init__(self, settings: Settings | None = None, **channels: RecordingChannel) -> None:
        self.settings = settings or alert_settings()
        self.channels = channels
        self.keeper = MemoryKeeper()
        self.now = START

    def send(self, *results: CheckResult, events: Sequence[Event] = ()) -> SentReport:
        self.now += timedelta(minutes=15)
        return send_alerts(
            results,
            events,
            connect=no_warehouse,
            keeper=self.keeper,
            channels=self.channels,
            settings=self.settings,
            now=self.now,
        )

    def notified(self, *results: CheckResult) -> list[str]:
        return [
            f"{sent.message.kind} {sent.message.group} by {','.join(sent.delivered) or 'none'}"
            for sent in self.send(*results).sent
        ]


def test_a_failing_channel_stops_no_other_and_is_itself_reported_through_them() -> None:
    duty = RecordingChannel(ConnectionError(SECRET))
    sender = Sender(team=RecordingChannel(), duty=duty)

    assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by team"]
    assert sender.notified(seen("disk_used_pct")) == ["opened channel_failed by team", "opened disk_used_pct by none"]
    duty.error = None
    assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by duty"]
    assert sender.notified(seen("disk_used_pct")) == ["resolved channel_failed by team"]


def test_the_level_of_a_failing_channel_is_its_rules() -> None:
    settings = changed(alert_settings(), "rules.channel_failed", level="critical")
    team = RecordingChannel()
    sender = Sender(settings, team=team, duty=RecordingChannel(ConnectionError()))
    for _ in range(2):
        sender.send(seen("disk_used_pct", "warning"))

    assert team.levels == ["warning", "critical"]


def test_a_failing_channel_is_not_reported_where_the_rule_is_off() -> None:
    settings = changed(alert_settings(), "rules.channel_failed", enabled=False)
    sender = Sender(settings, team=RecordingChannel(), duty=RecordingChannel(ConnectionError()))

    assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by team"]
    assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by none"]


def test_the_failure_of_the_only_channel_is_recorded_and_sent_nowhere() -> None:
    team = RecordingChannel(TimeoutError())
    sender = Sender(team=team)

    for _ in range(2):
        assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by none"]
    assert '"rule":"channel_failed"' in (sender.keeper.text or "")
    team.error = None
    assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by team"]


def test_two_failing_channels_are_one_message_through_the_third() -> None:
    broken_channels = {name: RecordingChannel(ConnectionError()) for name in ("duty", "other")}
    sender = Sender(team=RecordingChannel(), **broken_channels)

    sender.send(seen("disk_used_pct"))
    assert sender.notified(seen("disk_used_pct"))[0] == "opened channel_failed by team"


def test_a_channel_that_was_taken_out_is_no_longer_failing() -> None:
    sender = Sender(team=RecordingChannel(), duty=RecordingChannel(ConnectionError()))
    sender.send(seen("disk_used_pct"))
    del sender.channels["duty"]

    assert sender.send(seen("disk_used_pct")).unresolved_count == 1


def test_a_channels_error_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    team = RecordingChannel()
    sender = Sender(team=team, duty=RecordingChannel(ConnectionError(SECRET)))
    with caplog.at_level(logging.DEBUG):
        report = sender.send(seen("disk_used_pct"))

    texts = [
        caplog.text,
        sender.keeper.text or "",
        repr(report),
        report.describe(),
        *(mail.text for mail in team.mails),
    ]
    assert not any("secret-token" in text for text in texts)
    assert "Channel duty could not deliver opened disk_used_pct (ConnectionError)." in caplog.text
    assert report.failed_channels == ("duty",)


def test_a_channel_that_failed_is_not_waited_for_again_in_the_same_sending() -> None:
    class Slow(RecordingChannel):
        tries = 0

        def deliver(self, *_: object) -> None:
            self.tries += 1
            raise TimeoutError

    slow = Slow()
    Sender(duty=slow).send(seen("disk_used_pct"), seen("memory_used_pct"))

    assert slow.tries == 1


def test_without_a_channel_everything_is_recorded_and_a_warning_says_so(caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender()
    report = sender.send(seen("disk_used_pct"))

    assert (report.sent, report.unresolved_count) == ((), 1)
    assert "No channel is configured" in caplog.text


def test_a_message_that_cannot_be_written_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    render = sending.render

    def fails_for_memory(message: Message, *more: Any) -> Any:
        if message.group == "memory_used_pct":
            raise ValueError("No template.")
        return render(message, *more)

    monkeypatch.setattr(sending, "render", fails_for_memory)
    sender = Sender(team=RecordingChannel())
    results = (seen("disk_used_pct"), seen("memory_used_pct"))
    assert sender.notified(*results) == ["opened disk_used_pct by team"]
    monkeypatch.undo()
    assert sender.notified(*results) == ["opened memory_used_pct by team"]


# The copy on Airflow's side


def test_with_the_warehouse_down_the_copy_is_the_state() -> None:
    sender = Sender(team=RecordingChannel())

    assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by team"]
    assert sender.notified(seen("disk_used_pct")) == []
    assert sender.notified(seen("disk_used_pct", "ok")) == ["resolved disk_used_pct by team"]
    copy = json.loads(sender.keeper.text or "")
    assert (copy["version"], copy["is_ahead"]) == (2, True)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"version": 1}', '{"version": 2, "incidents": [{}], "is_ahead": 1}']
)
def test_a_copy_that_cannot_be_read_is_sent_from_nothing(text: str, caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(team=RecordingChannel())
    sender.keeper.text = text

    assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by team"]
    assert ("No state of the alerts can be read" in caplog.text) is bool(text)
    assert sender.notified(seen("disk_used_pct")) == []


def test_a_keeper_that_fails_stops_nothing_and_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(team=RecordingChannel())
    sender.keeper.error = RuntimeError(SECRET)

    for _ in range(2):
        assert sender.notified(seen("disk_used_pct")) == ["opened disk_used_pct by team"]
    assert "No state of the alerts can be read" in caplog.text
    assert "secret-token" not in caplog.text


def test_the_copy_does_not_grow_without_end() -> None:
    sender = Sender(team=RecordingChannel())
    sender.settings = changed(sender.settings, "alerts", repeat_minutes=10_080)
    sender.keeper.text = None
    for _ in range(210):
        sender.send(seen("disk_used_pct"))
        sender.send(seen("disk_used_pct", "ok"))

    assert len(json.loads(sender.keeper.text or "")["incidents"]) == 200


def test_a_report_says_in_a_line_what_was_done() -> None:
    sender = Sender(team=RecordingChannel(), duty=RecordingChannel(ConnectionError()))
    described = sender.send(seen("disk_used_pct")).describe()

    assert described == (
        "Sent opened disk_used_pct (critical) by team. Unresolved incidents: 1. Channels that failed: duty."
    )
    assert Sender(team=RecordingChannel()).send().describe() == "Sent nothing. Unresolved incidents: 0."
