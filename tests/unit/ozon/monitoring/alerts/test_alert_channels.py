"""Who is told: the channels of a rule, their levels, and those that fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from include.ozon.errors import WarehouseUnavailableError
from include.ozon.monitoring.alerts import delivery
from include.ozon.monitoring.alerts.model import Event, Notice
from include.ozon.monitoring.alerts.sender import SentReport, send_alerts
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from tests.support.alerts import (
    REPEAT_MINUTES,
    START,
    MemoryKeeper,
    RecordingChannel,
    Sendings,
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


def channels_of(notices: Sequence[Notice]) -> list[tuple[str, ...]]:
    return [notice.channels for notice in notices]


def test_a_channel_for_what_is_critical_gets_no_warnings() -> None:
    sendings = Sendings(two_channels(), ["team", "duty"])

    assert channels_of(sendings.send(seen("disk_used_pct", "warning"))) == [("team",)]
    assert channels_of(sendings.send(seen("disk_used_pct", "critical"))) == [("duty", "team")]


def test_whoever_was_told_of_something_critical_hears_that_it_is_but_a_warning_and_that_it_recovered() -> None:
    sendings = Sendings(two_channels(), ["team", "duty"])
    sendings.send(seen("disk_used_pct", "critical"), seen("memory_used_pct", "critical"))
    sendings.send(seen("memory_used_pct", "warning"))

    assert channels_of(sendings.send(seen("memory_used_pct", "ok"))) == [("duty", "team")]
    assert channels_of(sendings.send(seen("disk_used_pct", "warning"), minutes=30)) == [("duty", "team")]
    assert channels_of(sendings.send(seen("disk_used_pct", "ok"))) == [("team",)]


def test_a_groups_channels_are_the_only_ones_that_get_it() -> None:
    settings = with_group(two_channels(), "loads", channels=["duty"])
    sendings = Sendings(settings, ["team", "duty"])

    assert channels_of(sendings.send(seen("failures_in_a_row", "critical", "main"))) == [("duty",)]
    assert channels_of(sendings.send(seen("disk_used_pct", "critical"))) == [("duty", "team")]


def test_a_failed_task_of_the_load_goes_to_the_channels_of_the_loads() -> None:
    sendings = Sendings(with_group(two_channels(), "loads", channels=["duty"]), ["team", "duty"])

    assert channels_of(sendings.send(events=[failed_task(START)])) == [("duty",)]
    assert channels_of(sendings.send(events=[failed_task(START, "ozon_maintenance.logs", None)])) == [("duty", "team")]


def test_what_nobody_wants_to_hear_counts_as_not_told() -> None:
    sendings = Sendings(alert_settings(channels={"duty": DUTY}), ["duty"])

    assert sendings.told(seen("disk_used_pct", "warning")) == []
    assert sendings.told(seen("disk_used_pct", "critical")) == ["opened disk_used_pct critical"]


def test_a_channel_that_failed_gets_the_present_state_next_time_and_the_others_no_repeat() -> None:
    sendings = Sendings(channels=["team", "duty"])
    sendings.send(seen("disk_used_pct", "critical", value=96.0), failing=["duty"])
    assert sendings.open["disk_used_pct"].pending_channels == ("duty",)
    sent_at = sendings.open["disk_used_pct"].last_sent_at

    (notice,) = sendings.send(seen("disk_used_pct", "warning", value=90.0))
    assert (notice.kind, notice.level, notice.channels) == ("opened", "warning", ("duty",))
    assert notice.alerts[0].value == 90.0
    alert = sendings.open["disk_used_pct"]
    assert (alert.pending_channels, alert.last_sent_at, alert.sent_count) == ((), sent_at, 1)
    assert sendings.told(seen("disk_used_pct", "warning")) == []


def test_a_retry_and_a_repeat_are_one_message() -> None:
    sendings = Sendings(channels=["team", "duty"])
    sendings.send(seen("disk_used_pct"), failing=["duty"])

    assert channels_of(sendings.send(seen("disk_used_pct"), minutes=REPEAT_MINUTES)) == [("duty", "team")]
    assert sendings.send(seen("disk_used_pct")) == []


def test_a_channel_that_missed_one_account_gets_it_with_the_news_of_another() -> None:
    sendings = Sendings(channels=["team", "duty"])
    first, second = (seen("failures_in_a_row", "warning", account) for account in ("main", "second"))
    sendings.send(first, failing=["duty"])
    notices = sendings.send(first, second)

    assert {notice.channels: [alert.account for alert in notice.alerts] for notice in notices} == {
        ("team",): ["second"],
        ("duty",): ["main", "second"],
    }
    assert sendings.send(first, second) == []


def test_a_recovery_that_a_channel_missed_is_sent_to_it_alone() -> None:
    sendings = Sendings(channels=["team", "duty"])
    sendings.send(seen("disk_used_pct"))
    sendings.send(seen("disk_used_pct", "ok"), failing=["duty"])
    (notice,) = sendings.send(seen("disk_used_pct", "ok"), minutes=5 * REPEAT_MINUTES)

    assert (notice.kind, notice.channels) == ("recovered", ("duty",))
    assert sendings.send(seen("disk_used_pct", "ok")) == []


def test_a_recovery_that_no_channel_delivered_is_told_next_time() -> None:
    sendings = Sendings(channels=["team"])
    sendings.send(seen("disk_used_pct"))
    sendings.send(seen("disk_used_pct", "ok"), failing=["team"])

    assert sendings.told(seen("disk_used_pct", "ok")) == ["recovered disk_used_pct critical"]
    assert sendings.told(seen("disk_used_pct", "ok")) == []


def test_a_missed_recovery_is_not_told_any_more_where_it_is_open_again() -> None:
    sendings = Sendings(channels=["team"])
    sendings.send(seen("disk_used_pct"))
    sendings.send(seen("disk_used_pct", "ok"), failing=["team"])

    assert sendings.told(seen("disk_used_pct")) == ["opened disk_used_pct critical"]
    assert sendings.told(seen("disk_used_pct")) == []


def test_what_a_channel_missed_goes_on_with_the_rules_that_are_left() -> None:
    sendings = Sendings(channels=["team", "duty"])
    sendings.send(seen("product_etl_age_hours", "warning", "main"), failing=["duty"])
    notices = sendings.send(seen("product_etl_age_hours", "ok", "main"), seen("failures_in_a_row", "warning", "main"))

    assert [(notice.kind, notice.channels) for notice in notices] == [("opened", ("duty",))]
    assert sendings.send(seen("failures_in_a_row", "warning", "main")) == []


def test_a_channel_that_is_no_longer_configured_misses_nothing() -> None:
    sendings = Sendings(channels=["team", "duty"])
    sendings.send(seen("disk_used_pct"), failing=["duty"])
    sendings.channels = ["team"]

    assert sendings.send(seen("disk_used_pct")) == []
    assert sendings.open["disk_used_pct"].pending_channels == ()


def test_an_undelivered_message_moves_nothing_and_comes_again() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct"), failing=["team"])
    alert = sendings.open["disk_used_pct"]

    assert (alert.sent_count, alert.last_sent_at, alert.sent_level) == (0, None, None)
    assert sendings.told(seen("disk_used_pct")) == ["opened disk_used_pct critical"]
    assert sendings.told(seen("disk_used_pct")) == []


def test_an_undelivered_worse_comes_again() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))
    sendings.send(seen("disk_used_pct", "critical"), failing=["team"])

    assert sendings.told(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]
    assert sendings.told(seen("disk_used_pct", "critical")) == []


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

    def told(self, *results: CheckResult) -> list[str]:
        return [
            f"{outcome.notice.kind} {outcome.notice.group} through {','.join(outcome.delivered) or 'none'}"
            for outcome in self.send(*results).outcomes
        ]


def test_a_failing_channel_stops_no_other_and_is_itself_reported_through_them() -> None:
    duty = RecordingChannel(ConnectionError(SECRET))
    sender = Sender(team=RecordingChannel(), duty=duty)

    assert sender.told(seen("disk_used_pct")) == [
        "opened disk_used_pct through team",
        "opened channel_failed through team",
    ]
    assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through none"]
    duty.error = None
    assert sender.told(seen("disk_used_pct")) == [
        "opened disk_used_pct through duty",
        "recovered channel_failed through team",
    ]
    assert sender.told(seen("disk_used_pct")) == []


def test_the_level_of_a_failing_channel_is_its_rules() -> None:
    settings = changed(alert_settings(), "rules.channel_failed", level="critical")
    team = RecordingChannel()
    Sender(settings, team=team, duty=RecordingChannel(ConnectionError())).send(seen("disk_used_pct", "warning"))

    assert team.levels == ["warning", "critical"]


def test_a_failing_channel_is_not_reported_where_the_rule_is_off() -> None:
    settings = changed(alert_settings(), "rules.channel_failed", enabled=False)
    sender = Sender(settings, team=RecordingChannel(), duty=RecordingChannel(ConnectionError()))

    assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through team"]
    assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through none"]


def test_the_only_channel_that_fails_is_recorded_and_told_nowhere() -> None:
    team = RecordingChannel(TimeoutError())
    sender = Sender(team=team)

    assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through none"]
    assert '"rule": "channel_failed"' in (sender.keeper.text or "")
    team.error = None
    assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through team"]


def test_two_failing_channels_are_one_message_through_the_third() -> None:
    broken_channels = {name: RecordingChannel(ConnectionError()) for name in ("duty", "other")}
    sender = Sender(team=RecordingChannel(), **broken_channels)

    assert sender.told(seen("disk_used_pct"))[1:] == ["opened channel_failed through team"]


def test_a_channel_that_was_taken_out_is_no_longer_failing() -> None:
    sender = Sender(team=RecordingChannel(), duty=RecordingChannel(ConnectionError()))
    sender.send(seen("disk_used_pct"))
    del sender.channels["duty"]

    assert sender.send(seen("disk_used_pct")).open_count == 1


def test_what_went_wrong_with_a_channel_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    team = RecordingChannel()
    sender = Sender(team=team, duty=RecordingChannel(ConnectionError(SECRET)))
    with caplog.at_level(logging.DEBUG):
        report = sender.send(seen("disk_used_pct"))

    said = [caplog.text, sender.keeper.text or "", repr(report), report.describe(), *(mail.text for mail in team.mails)]
    assert not any("secret-token" in text for text in said)
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

    assert (report.outcomes, report.open_count) == ((), 1)
    assert "No channel is configured" in caplog.text


def test_a_message_that_cannot_be_written_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    render = delivery.render

    def fails_for_memory(notice: Notice, *more: Any) -> Any:
        if notice.group == "memory_used_pct":
            raise ValueError("No template.")
        return render(notice, *more)

    monkeypatch.setattr(delivery, "render", fails_for_memory)
    sender = Sender(team=RecordingChannel())
    results = (seen("disk_used_pct"), seen("memory_used_pct"))
    assert sender.told(*results) == ["opened disk_used_pct through team"]
    monkeypatch.undo()
    assert sender.told(*results) == ["opened memory_used_pct through team"]


# The copy on Airflow's side


def test_with_the_warehouse_down_the_copy_is_the_state() -> None:
    sender = Sender(team=RecordingChannel())

    assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through team"]
    assert sender.told(seen("disk_used_pct")) == []
    assert sender.told(seen("disk_used_pct", "ok")) == ["recovered disk_used_pct through team"]
    copy = json.loads(sender.keeper.text or "")
    assert (copy["version"], copy["ahead"]) == (1, True)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"version": 2}', '{"version": 1, "alerts": [{}], "ahead": 1}'])
def test_a_copy_that_cannot_be_read_is_sent_from_nothing(text: str, caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(team=RecordingChannel())
    sender.keeper.text = text

    assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through team"]
    assert ("No state of the alerts can be read" in caplog.text) is bool(text)
    assert sender.told(seen("disk_used_pct")) == []


def test_a_keeper_that_fails_stops_nothing_and_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(team=RecordingChannel())
    sender.keeper.error = RuntimeError(SECRET)

    for _ in range(2):
        assert sender.told(seen("disk_used_pct")) == ["opened disk_used_pct through team"]
    assert "No state of the alerts can be read" in caplog.text
    assert "secret-token" not in caplog.text


def test_the_copy_does_not_grow_without_end() -> None:
    sender = Sender(team=RecordingChannel())
    sender.settings = changed(sender.settings, "alerts", repeat_minutes=10_080)
    sender.keeper.text = None
    for number in range(230):
        sender.send(events=[failed_task(START, f"some.task{number}")])

    sender.settings = changed(sender.settings, "rules.task_failed", enabled=False)
    sender.send()
    alerts = json.loads(sender.keeper.text or "")["alerts"]
    assert len(alerts) == 200


def test_a_report_says_in_a_line_what_was_done() -> None:
    sender = Sender(team=RecordingChannel(), duty=RecordingChannel(ConnectionError()))
    described = sender.send(seen("disk_used_pct")).describe()

    assert described == (
        "Told opened disk_used_pct (critical) through team; opened channel_failed (warning) through team. "
        "Open alerts: 2. Channels that failed: duty."
    )
    assert Sender(team=RecordingChannel()).send().describe() == "Told nothing. Open alerts: 0."
