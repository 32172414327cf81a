"""Muted alerts: one cause is one message, also after it is resolved."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.ozon.monitoring.results import CheckResult
from tests.support.alerts import REPEAT_MINUTES, START, Runs, alert_settings, broken, failed_task, seen
from tests.support.pipeline import changed

DOWN = seen("warehouse_reachable", "critical", area="warehouse")
UP = seen("warehouse_reachable", "ok", area="warehouse")
FAILING = seen("failures_in_a_row", "warning", "main")


@pytest.mark.parametrize(
    "consequence",
    [
        seen("product_etl_age_hours", "critical", "main"),
        seen("duration_ratio", "critical", "main"),
        seen("row_count_change_pct", "critical", "main", "data"),
        seen("staging_leftover_hours", "critical", None, "machine"),
        seen("visible_share_pct", "critical", "main", "visibility"),
        broken("failures_in_a_row", "main", "runs"),
    ],
)
@pytest.mark.parametrize("cause", ["warehouse_reachable", "warehouse_writable", "warehouse_schema"])
def test_consequences_of_a_broken_warehouse_are_not_notified(cause: str, consequence: CheckResult) -> None:
    runs = Runs()

    assert runs.notified(consequence, seen(cause, "critical", area="warehouse")) == ["opened warehouse critical"]
    (muted,) = [incident for incident in runs.incidents if incident.alerts[0].rule != cause]
    assert (muted.alerts[0].muted_by, muted.notified_at, muted.notifications) == (cause, None, ())


@pytest.mark.parametrize(
    "other",
    [
        seen("disk_used_pct", "critical", None, "machine"),
        seen("airflow_scheduler", "critical", None, "airflow"),
        seen("api_key", "critical", "main", "api"),
        broken("airflow_reachable", None, "airflow"),
    ],
)
def test_what_the_warehouse_does_not_inhibit_is_notified_with_it(other: CheckResult) -> None:
    assert len(Runs().notified(DOWN, other)) == 2


@pytest.mark.parametrize(
    "no_cause",
    [
        seen("warehouse_response_seconds", "critical", None, "warehouse"),
        seen("warehouse_reachable", "warning", None, "warehouse"),
        seen("api_key_expires_days", "critical", "main", "api"),
        seen("api_error_rate_pct", "warning", "main", "api"),
        seen("api_key", "critical", "second", "api"),
    ],
)
def test_a_rule_that_breaks_no_load_of_the_account_inhibits_nothing(no_cause: CheckResult) -> None:
    assert "opened loads warning" in Runs().notified(no_cause, FAILING)


@pytest.mark.parametrize("account", [None, "main"])
@pytest.mark.parametrize("cause", ["api_key", "api_methods", "api_reachable", "api_error_rate_pct"])
def test_the_api_explains_the_loads_of_its_account(cause: str, account: str | None) -> None:
    notified = Runs().notified(
        seen("product_etl_age_hours", "critical", "main"),
        seen("product_etl_minutes", "critical", "main"),
        seen(cause, "critical", account, "api"),
    )
    assert len(notified) == 1
    assert notified[0].startswith("opened api_")


def test_checks_of_the_api_that_broke_are_explained_where_each_of_their_accounts_is() -> None:
    down = [seen("api_reachable", "critical", account, "api") for account in ("main", "second")]
    failed = [broken("api_key", account, "api") for account in ("main", "second")]

    assert Runs().notified(*down, *failed) == ["opened api_availability critical"]
    assert Runs().notified(down[0], *failed) == ["opened api_availability critical", "opened unmeasured warning"]

    runs = Runs()
    runs.run(*down, *failed)
    assert runs.notified(events=[failed_task(START, "ozon_maintenance.vacuum")]) == ["opened task_failed critical"]


def test_the_order_within_a_sending_does_not_matter() -> None:
    results = [DOWN, FAILING, seen("disk_used_pct", "warning"), broken("killed_attempt", "main")]
    notified = {tuple(Runs().notified(*order)) for order in itertools.permutations(results)}

    assert notified == {("opened disk_used_pct warning", "opened warehouse critical")}


def test_a_cause_that_comes_later_stops_the_repeats_of_what_was_notified() -> None:
    runs = Runs()
    runs.run(FAILING)
    runs.run(DOWN, FAILING)

    assert runs.notified(DOWN, FAILING, minutes=REPEAT_MINUTES) == ["repeat warehouse critical"]
    assert runs.firing["failures_in_a_row main"].muted_by is None
    assert runs.notified(UP, seen("failures_in_a_row", "ok", "main")) == [
        "resolved loads warning",
        "resolved warehouse critical",
    ]


def test_a_consequence_recovers_silently() -> None:
    runs = Runs()
    runs.run(DOWN, FAILING)

    assert runs.notified(UP, seen("failures_in_a_row", "ok", "main")) == ["resolved warehouse critical"]
    assert runs.firing == {}


def test_a_warehouse_that_was_down_is_one_mail_also_for_what_is_first_seen_when_it_is_back() -> None:
    runs = Runs()
    runs.run(DOWN, broken("failures_in_a_row", "main"))

    assert runs.notified(UP, FAILING) == ["resolved warehouse critical"]
    assert runs.notified(UP, FAILING) == []
    assert runs.notified(UP, seen("failures_in_a_row", "ok", "main")) == []


def test_what_joins_the_consequences_and_is_no_worse_stays_silent_with_them() -> None:
    runs = Runs()
    runs.run(DOWN)
    runs.run(UP, FAILING)

    assert runs.notified(UP, FAILING, seen("product_etl_age_hours", "warning", "main")) == []
    assert runs.firing["product_etl_age_hours main"].muted_by == "warehouse_reachable"


def test_a_consequence_that_lasts_for_the_repeat_interval_after_its_cause_is_notified() -> None:
    runs = Runs()
    runs.run(DOWN, FAILING)
    runs.run(DOWN, FAILING, minutes=2 * REPEAT_MINUTES)
    runs.run(UP, FAILING)

    assert runs.notified(UP, FAILING, minutes=REPEAT_MINUTES - 1) == []
    assert runs.notified(UP, FAILING, minutes=1) == ["opened loads warning"]
    assert runs.firing["failures_in_a_row main"].muted_by is None
    assert runs.notified(UP, FAILING) == []
    assert runs.notified(UP, seen("failures_in_a_row", "ok", "main")) == ["resolved loads warning"]


def test_a_consequence_that_gets_worse_after_its_cause_is_notified_until_it_is_delivered() -> None:
    runs = Runs()
    runs.run(DOWN, FAILING)
    runs.run(UP, FAILING)
    worse = seen("failures_in_a_row", "critical", "main")

    assert runs.notified(UP, worse, failing=["team"]) == ["opened loads critical"]
    assert runs.notified(UP, worse) == ["opened loads critical"]
    assert runs.notified(UP, worse) == []


def test_a_consequence_that_got_worse_while_the_cause_lasted_is_not_notified_for_that() -> None:
    runs = Runs()
    worse = seen("failures_in_a_row", "critical", "main")
    runs.run(DOWN, FAILING)
    runs.run(DOWN, worse)
    runs.run(UP, worse)

    assert runs.notified(UP, worse) == []


def test_a_cause_that_only_gets_better_lets_its_consequences_go() -> None:
    runs = Runs()
    runs.run(seen("api_error_rate_pct", "critical", "main"), FAILING)

    assert runs.notified(seen("api_error_rate_pct", "warning", "main"), FAILING) == ["opened loads warning"]


def test_a_consequence_that_is_not_measured_stays_inhibited_while_its_cause_fires() -> None:
    runs = Runs()
    runs.run(DOWN, FAILING)

    assert runs.notified(minutes=2 * REPEAT_MINUTES) == []


def test_a_second_cause_takes_over() -> None:
    runs = Runs()
    no_schema = seen("warehouse_schema", "critical", area="warehouse")
    runs.run(DOWN, FAILING)

    assert runs.notified(UP, no_schema, FAILING) == []
    assert runs.notified(UP, no_schema, FAILING) == []
    assert runs.firing["failures_in_a_row main"].muted_by == "warehouse_schema"


# Events


def test_an_event_is_notified_once_within_the_repeat_interval_and_closes_silently() -> None:
    runs = Runs()
    assert runs.notified(events=[failed_task(START)]) == ["opened loads critical"]
    assert runs.firing["task_failed main"].opened_at == START
    assert runs.notified(events=[failed_task(runs.now + timedelta(minutes=5))]) == []

    assert runs.notified(minutes=REPEAT_MINUTES - 16) == []
    assert "task_failed main" in runs.firing
    assert runs.notified(minutes=REPEAT_MINUTES) == []
    assert runs.firing == {}
    assert runs.notified(events=[failed_task(runs.now + timedelta(minutes=5))]) == ["opened loads critical"]


def test_events_that_go_on_are_repeated_after_the_repeat_interval() -> None:
    runs = Runs()
    runs.run(events=[failed_task(START, "ozon_maintenance.vacuum")])
    runs.run(events=[failed_task(runs.now + timedelta(minutes=39), "ozon_maintenance.vacuum")], minutes=40)

    assert runs.notified(minutes=20) == ["repeat task_failed critical"]
    assert runs.notified(minutes=20) == []


def test_an_event_that_was_notified_late_has_its_whole_repeat_interval() -> None:
    runs = Runs()
    runs.run(events=[failed_task(START)], failing=["team"])
    assert runs.notified() == ["opened loads critical"]

    further = failed_task(runs.now + timedelta(minutes=49))
    assert runs.notified(events=[further], minutes=50) == []


def test_the_same_event_handed_over_twice_is_no_further_event() -> None:
    runs = Runs()
    event = failed_task(START, "ozon_maintenance.vacuum")
    runs.run(events=[event])
    seen_at = runs.firing["task_failed main"].last_seen_at

    assert runs.notified(events=[event, event]) == []
    assert runs.firing["task_failed main"].last_seen_at == seen_at
    assert runs.notified(minutes=REPEAT_MINUTES - 15) == []


def test_a_further_event_of_a_higher_level_is_worse() -> None:
    runs = Runs()
    runs.run(events=[failed_task(START, level="warning")])

    assert runs.notified(events=[failed_task(START, level="critical")]) == ["worse loads critical"]


def test_events_of_different_accounts_and_subjects_are_alerts_of_one_message() -> None:
    events = [
        failed_task(START, "ozon_etl.product_etl", "main"),
        failed_task(START, "ozon_etl.inventory_etl", "main"),
        failed_task(START, "ozon_etl.product_etl", "second"),
    ]
    (message,) = Runs().run(events=events)

    assert len({alert.key for alert in message.alerts}) == 3


def test_an_event_that_waited_for_long_is_notified_all_the_same() -> None:
    assert Runs().notified(events=[failed_task(START - timedelta(days=2))]) == ["opened loads critical"]


def test_a_failed_task_and_its_failed_workflow_are_one_message() -> None:
    (message,) = Runs().run(FAILING, events=[failed_task(START)])

    assert (message.group, message.level) == ("loads", "critical")


def test_events_do_not_keep_an_incident_from_being_resolved() -> None:
    runs = Runs()
    runs.run(FAILING, events=[failed_task(START)])
    well = seen("failures_in_a_row", "ok", "main")
    (message,) = runs.run(well)

    assert [alert.rule for alert in message.alerts] == ["failures_in_a_row"]
    assert message.kind == "resolved"
    assert runs.firing == {}
    assert runs.notified(FAILING) == ["opened loads warning"]


def test_a_failure_that_was_notified_by_its_event_recovers_with_the_state_that_joined() -> None:
    runs = Runs()
    runs.run(events=[failed_task(START)])

    assert runs.notified(FAILING) == []
    assert runs.notified(seen("failures_in_a_row", "ok", "main")) == ["resolved loads critical"]


def test_an_event_that_comes_with_the_recovery_begins_a_new_incident() -> None:
    runs = Runs()
    runs.run(FAILING, events=[failed_task(START)])
    notified = runs.notified(
        seen("failures_in_a_row", "ok", "main"), events=[failed_task(runs.now + timedelta(minutes=5))]
    )

    assert notified == ["opened loads critical", "resolved loads critical"]
    assert runs.unresolved["loads main"].notified_at == runs.now


def test_an_event_alone_has_no_recovery() -> None:
    runs = Runs()
    runs.run(events=[failed_task(START)])

    assert runs.notified(seen("failures_in_a_row", "ok", "main"), minutes=2 * REPEAT_MINUTES) == []


def test_an_event_is_muted_by_the_cause_that_it_names() -> None:
    runs = Runs()
    events = [failed_task(START, caused_by=["warehouse_reachable"])]

    assert runs.notified(DOWN, events=events) == ["opened warehouse critical"]
    assert runs.firing["task_failed main"].muted_by == "warehouse_reachable"


def test_a_task_that_failed_for_another_reason_is_notified_beside_the_cause() -> None:
    assert Runs().notified(DOWN, events=[failed_task(START)]) == ["opened loads critical", "opened warehouse critical"]


def test_a_late_run_of_the_load_follows_from_the_warehouse() -> None:
    late = replace(failed_task(START, "ozon_etl", None), rule="run_deadline")

    assert Runs().notified(DOWN, events=[late]) == ["opened warehouse critical"]


def test_an_event_from_before_its_cause_recovered_is_not_notified_and_one_from_after_is() -> None:
    runs = Runs()
    runs.run(DOWN)
    during = runs.now + timedelta(minutes=5)
    runs.run(UP)
    after = runs.now + timedelta(minutes=5)
    named = ["warehouse_reachable"]

    assert runs.notified(UP, events=[failed_task(during, caused_by=named)]) == []
    assert runs.notified(UP) == []
    assert runs.notified(UP, events=[failed_task(after, caused_by=named)]) == ["opened loads critical"]


def test_an_event_of_the_cause_that_was_only_messaged_later_is_suppressed() -> None:
    runs = Runs()
    before = runs.now
    runs.run(DOWN)
    runs.run(UP)

    assert runs.notified(UP, events=[failed_task(before, caused_by=["warehouse_reachable"])]) == []


def test_inhibited_events_are_never_notified() -> None:
    runs = Runs()
    runs.run(DOWN, events=[failed_task(START, caused_by=["warehouse_reachable"])])
    runs.run(UP)

    for _ in range(2 * REPEAT_MINUTES // 15):
        assert runs.notified(UP) == []
    assert runs.firing == {}


def test_a_consequence_of_the_same_key_does_not_repeat_what_was_notified() -> None:
    runs = Runs()
    runs.run(events=[failed_task(START)])
    during = failed_task(runs.now + timedelta(minutes=5), caused_by=["warehouse_reachable"])
    runs.run(DOWN, events=[during])

    assert runs.notified(UP, minutes=REPEAT_MINUTES - 15) == ["resolved warehouse critical"]


def test_a_failure_of_its_own_after_the_cause_is_notified_with_what_was_muted() -> None:
    runs = Runs()
    runs.run(DOWN, FAILING)
    runs.run(UP, FAILING)
    (message,) = runs.run(UP, FAILING, events=[failed_task(runs.now)])

    assert {alert.rule for alert in message.alerts} == {"task_failed", "failures_in_a_row"}
    assert runs.notified(UP, seen("failures_in_a_row", "ok", "main")) == ["resolved loads critical"]


# Planned work


def silent(runs: Runs, minutes: int, **silence: object) -> None:
    """A window from now on, given as the file would: without an offset, in the configured time zone."""
    starts_at = runs.settings.in_time_zone(runs.now).replace(tzinfo=None)
    window = {"starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=minutes), **silence}
    runs.settings = changed(runs.settings, "alerts", silences={"planned": window})


def test_what_opens_in_a_window_is_notified_after_it_where_it_lasts() -> None:
    runs = Runs()
    silent(runs, 40)

    assert runs.notified(seen("disk_used_pct")) == []
    assert "disk_used_pct" in runs.firing
    assert runs.notified(seen("disk_used_pct"), minutes=24) == []
    assert runs.notified(seen("disk_used_pct"), minutes=1) == ["opened disk_used_pct critical"]


def test_what_recovers_in_the_window_is_never_notified() -> None:
    runs = Runs()
    silent(runs, 40)
    runs.run(seen("disk_used_pct"))

    assert runs.notified(seen("disk_used_pct", "ok")) == []
    assert runs.notified(seen("disk_used_pct", "ok"), minutes=REPEAT_MINUTES) == []


def test_what_opened_in_a_window_does_not_delay_the_recovery_of_what_was_notified_before_it() -> None:
    runs = Runs()
    runs.run(seen("product_etl_age_hours", "warning", "main"))
    silent(runs, 40, rules=["failures_in_a_row"])
    (message,) = runs.run(FAILING, seen("product_etl_age_hours", "ok", "main"))
    assert (message.kind, [alert.rule for alert in message.alerts]) == ("resolved", ["product_etl_age_hours"])

    assert runs.notified(FAILING, minutes=40) == ["opened loads warning"]
    (message,) = runs.run(seen("failures_in_a_row", "ok", "main"))
    assert [alert.rule for alert in message.alerts] == ["failures_in_a_row"]


def test_in_a_window_nothing_is_repeated_or_worse_but_a_recovery_is_notified() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"), seen("memory_used_pct", "warning"))
    silent(runs, 10 * REPEAT_MINUTES)

    notified = runs.notified(
        seen("disk_used_pct", "critical"), seen("memory_used_pct", "ok"), minutes=2 * REPEAT_MINUTES
    )
    assert notified == ["resolved memory_used_pct warning"]
    runs.settings = alert_settings()
    assert runs.notified(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]


def test_a_window_can_be_for_some_rules_and_accounts() -> None:
    runs = Runs()
    silent(runs, 40, rules=["api_key"], accounts=["main"])
    results = [seen("api_key", "critical", "main"), seen("api_key", "critical", "second"), seen("disk_used_pct")]
    notified = runs.run(*results)

    assert sorted((alert.rule, alert.account) for message in notified for alert in message.alerts) == [
        ("api_key", "second"),
        ("disk_used_pct", None),
    ]


def test_a_window_for_an_account_does_not_silence_what_concerns_all() -> None:
    runs = Runs()
    silent(runs, 40, accounts=["main"])

    assert runs.notified(DOWN) == ["opened warehouse critical"]


def test_a_moment_with_an_offset_is_taken_as_it_is() -> None:
    runs = Runs()
    window = {"starts_at": START, "ends_at": datetime(2026, 3, 2, 7, 0, tzinfo=UTC)}
    runs.settings = changed(runs.settings, "alerts", silences={"planned": window})

    assert runs.notified(seen("disk_used_pct"), minutes=59) == []
    assert runs.notified(seen("disk_used_pct"), minutes=1) == ["opened disk_used_pct critical"]


def test_planned_work_on_the_warehouse_also_silences_what_follows_from_it() -> None:
    runs = Runs()
    silent(runs, 60, rules=["warehouse_reachable"])

    assert runs.notified(DOWN, FAILING) == []
    assert runs.notified(UP, FAILING) == []
