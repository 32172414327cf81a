"""One cause is one message: what follows from it is kept, not told, also after it has recovered."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from include.ozon.monitoring.results import CheckResult
from tests.support.alerts import REPEAT_MINUTES, START, Sendings, alert_settings, broken, failed_task, seen
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
def test_what_a_broken_warehouse_breaks_is_not_told(cause: str, consequence: CheckResult) -> None:
    sendings = Sendings()

    assert sendings.told(consequence, seen(cause, "critical", area="warehouse")) == ["opened warehouse critical"]
    (suppressed,) = [alert for alert in sendings.alerts if alert.rule != cause]
    assert (suppressed.suppressed_by, suppressed.sent_count, suppressed.last_sent_at) == (cause, 0, None)


@pytest.mark.parametrize(
    "other",
    [
        seen("disk_used_pct", "critical", None, "machine"),
        seen("airflow_scheduler", "critical", None, "airflow"),
        seen("api_key", "critical", "main", "api"),
        broken("airflow_reachable", None, "airflow"),
    ],
)
def test_what_does_not_follow_from_the_warehouse_is_told_with_it(other: CheckResult) -> None:
    assert len(Sendings().told(DOWN, other)) == 2


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
def test_what_breaks_no_load_of_the_account_suppresses_nothing(no_cause: CheckResult) -> None:
    assert "opened loads warning" in Sendings().told(no_cause, FAILING)


@pytest.mark.parametrize("account", [None, "main"])
@pytest.mark.parametrize("cause", ["api_key", "api_methods", "api_reachable", "api_error_rate_pct"])
def test_the_api_explains_the_loads_of_its_account(cause: str, account: str | None) -> None:
    told = Sendings().told(
        seen("product_etl_age_hours", "critical", "main"),
        seen("product_etl_minutes", "critical", "main"),
        seen(cause, "critical", account, "api"),
    )
    assert len(told) == 1
    assert told[0].startswith("opened api_")


def test_checks_of_the_api_that_broke_are_explained_where_each_of_their_accounts_is() -> None:
    down = [seen("api_reachable", "critical", account, "api") for account in ("main", "second")]
    failed = [broken("api_key", account, "api") for account in ("main", "second")]

    assert Sendings().told(*down, *failed) == ["opened api_availability critical"]
    assert Sendings().told(down[0], *failed) == ["opened api_availability critical", "opened unmeasured warning"]

    sendings = Sendings()
    sendings.send(*down, *failed)
    assert sendings.told(events=[failed_task(START, "ozon_maintenance.vacuum")]) == ["opened task_failed critical"]


def test_the_order_within_a_sending_does_not_matter() -> None:
    results = [DOWN, FAILING, seen("disk_used_pct", "warning"), broken("killed_attempt", "main")]
    told = {tuple(Sendings().told(*order)) for order in itertools.permutations(results)}

    assert told == {("opened disk_used_pct warning", "opened warehouse critical")}


def test_a_cause_that_comes_later_stops_the_repeats_of_what_was_told() -> None:
    sendings = Sendings()
    sendings.send(FAILING)
    sendings.send(DOWN, FAILING)

    assert sendings.told(DOWN, FAILING, minutes=REPEAT_MINUTES) == ["repeat warehouse critical"]
    assert sendings.open["failures_in_a_row main"].suppressed_by is None
    assert sendings.told(UP, seen("failures_in_a_row", "ok", "main")) == [
        "recovered loads warning",
        "recovered warehouse critical",
    ]


def test_a_consequence_recovers_in_silence() -> None:
    sendings = Sendings()
    sendings.send(DOWN, FAILING)

    assert sendings.told(UP, seen("failures_in_a_row", "ok", "main")) == ["recovered warehouse critical"]
    assert sendings.open == {}


def test_a_warehouse_that_was_down_is_one_mail_also_for_what_is_first_seen_when_it_is_back() -> None:
    sendings = Sendings()
    sendings.send(DOWN, broken("failures_in_a_row", "main"))

    assert sendings.told(UP, FAILING) == ["recovered warehouse critical"]
    assert sendings.told(UP, FAILING) == []
    assert sendings.told(UP, seen("failures_in_a_row", "ok", "main")) == []


def test_what_joins_the_consequences_and_is_no_worse_stays_silent_with_them() -> None:
    sendings = Sendings()
    sendings.send(DOWN)
    sendings.send(UP, FAILING)

    assert sendings.told(UP, FAILING, seen("product_etl_age_hours", "warning", "main")) == []
    assert sendings.open["product_etl_age_hours main"].suppressed_by == "warehouse_reachable"


def test_a_consequence_that_lasts_for_the_repeat_interval_after_its_cause_is_told() -> None:
    sendings = Sendings()
    sendings.send(DOWN, FAILING)
    sendings.send(DOWN, FAILING, minutes=2 * REPEAT_MINUTES)
    sendings.send(UP, FAILING)

    assert sendings.told(UP, FAILING, minutes=REPEAT_MINUTES - 1) == []
    assert sendings.told(UP, FAILING, minutes=1) == ["opened loads warning"]
    assert sendings.open["failures_in_a_row main"].suppressed_by is None
    assert sendings.told(UP, FAILING) == []
    assert sendings.told(UP, seen("failures_in_a_row", "ok", "main")) == ["recovered loads warning"]


def test_a_consequence_that_gets_worse_after_its_cause_is_told_until_it_is_delivered() -> None:
    sendings = Sendings()
    sendings.send(DOWN, FAILING)
    sendings.send(UP, FAILING)
    worse = seen("failures_in_a_row", "critical", "main")

    assert sendings.told(UP, worse, failing=["team"]) == ["opened loads critical"]
    assert sendings.told(UP, worse) == ["opened loads critical"]
    assert sendings.told(UP, worse) == []


def test_a_consequence_that_got_worse_while_the_cause_lasted_is_not_told_for_that() -> None:
    sendings = Sendings()
    worse = seen("failures_in_a_row", "critical", "main")
    sendings.send(DOWN, FAILING)
    sendings.send(DOWN, worse)
    sendings.send(UP, worse)

    assert sendings.told(UP, worse) == []


def test_a_cause_that_only_gets_better_lets_its_consequences_go() -> None:
    sendings = Sendings()
    sendings.send(seen("api_error_rate_pct", "critical", "main"), FAILING)

    assert sendings.told(seen("api_error_rate_pct", "warning", "main"), FAILING) == ["opened loads warning"]


def test_a_consequence_that_is_not_looked_at_stays_suppressed_while_its_cause_lasts() -> None:
    sendings = Sendings()
    sendings.send(DOWN, FAILING)

    assert sendings.told(minutes=2 * REPEAT_MINUTES) == []


def test_a_second_cause_takes_over() -> None:
    sendings = Sendings()
    no_schema = seen("warehouse_schema", "critical", area="warehouse")
    sendings.send(DOWN, FAILING)

    assert sendings.told(UP, no_schema, FAILING) == []
    assert sendings.told(UP, no_schema, FAILING) == []
    assert sendings.open["failures_in_a_row main"].suppressed_by == "warehouse_schema"


# Events


def test_an_event_is_told_once_within_the_repeat_interval_and_closes_in_silence() -> None:
    sendings = Sendings()
    assert sendings.told(events=[failed_task(START)]) == ["opened loads critical"]
    assert sendings.open["task_failed main"].opened_at == START
    assert sendings.told(events=[failed_task(sendings.now + timedelta(minutes=5))]) == []

    assert sendings.told(minutes=REPEAT_MINUTES - 16) == []
    assert "task_failed main" in sendings.open
    assert sendings.told(minutes=REPEAT_MINUTES) == []
    assert sendings.open == {}
    assert sendings.told(events=[failed_task(sendings.now + timedelta(minutes=5))]) == ["opened loads critical"]


def test_events_that_go_on_are_repeated_after_the_repeat_interval() -> None:
    sendings = Sendings()
    sendings.send(events=[failed_task(START, "ozon_maintenance.vacuum")])
    sendings.send(events=[failed_task(sendings.now + timedelta(minutes=39), "ozon_maintenance.vacuum")], minutes=40)

    assert sendings.told(minutes=20) == ["repeat task_failed critical"]
    assert sendings.told(minutes=20) == []


def test_an_event_that_was_told_late_has_its_whole_repeat_interval() -> None:
    sendings = Sendings()
    sendings.send(events=[failed_task(START)], failing=["team"])
    assert sendings.told() == ["opened loads critical"]

    further = failed_task(sendings.now + timedelta(minutes=49))
    assert sendings.told(events=[further], minutes=50) == []


def test_the_same_event_handed_over_twice_is_no_further_event() -> None:
    sendings = Sendings()
    event = failed_task(START, "ozon_maintenance.vacuum")
    sendings.send(events=[event])
    seen_at = sendings.open["task_failed main"].last_seen_at

    assert sendings.told(events=[event, event]) == []
    assert sendings.open["task_failed main"].last_seen_at == seen_at
    assert sendings.told(minutes=REPEAT_MINUTES - 15) == []


def test_a_further_event_of_a_higher_level_is_worse() -> None:
    sendings = Sendings()
    sendings.send(events=[failed_task(START, level="warning")])

    assert sendings.told(events=[failed_task(START, level="critical")]) == ["worse loads critical"]


def test_events_are_told_apart_by_account_and_subject_but_in_one_message() -> None:
    events = [
        failed_task(START, "ozon_etl.product_etl", "main"),
        failed_task(START, "ozon_etl.inventory_etl", "main"),
        failed_task(START, "ozon_etl.product_etl", "second"),
    ]
    (notice,) = Sendings().send(events=events)

    assert len({alert.key for alert in notice.alerts}) == 3


def test_an_event_that_waited_for_long_is_told_all_the_same() -> None:
    assert Sendings().told(events=[failed_task(START - timedelta(days=2))]) == ["opened loads critical"]


def test_a_failed_task_and_its_failed_workflow_are_one_message() -> None:
    (notice,) = Sendings().send(FAILING, events=[failed_task(START)])

    assert (notice.group, notice.level) == ("loads", "critical")


def test_events_do_not_keep_an_incident_from_being_told_as_recovered() -> None:
    sendings = Sendings()
    sendings.send(FAILING, events=[failed_task(START)])
    well = seen("failures_in_a_row", "ok", "main")
    (notice,) = sendings.send(well)

    assert [alert.rule for alert in notice.alerts] == ["failures_in_a_row"]
    assert notice.kind == "recovered"
    assert sendings.open == {}
    assert sendings.told(FAILING) == ["opened loads warning"]


def test_a_failure_that_was_told_by_its_event_recovers_with_the_state_that_joined() -> None:
    sendings = Sendings()
    sendings.send(events=[failed_task(START)])

    assert sendings.told(FAILING) == []
    assert sendings.told(seen("failures_in_a_row", "ok", "main")) == ["recovered loads critical"]


def test_an_event_that_comes_with_the_recovery_begins_a_new_incident() -> None:
    sendings = Sendings()
    sendings.send(FAILING, events=[failed_task(START)])
    told = sendings.told(
        seen("failures_in_a_row", "ok", "main"), events=[failed_task(sendings.now + timedelta(minutes=5))]
    )

    assert told == ["opened loads critical", "recovered loads critical"]
    assert sendings.open["task_failed main"].sent_count == 1


def test_an_event_alone_has_no_recovery() -> None:
    sendings = Sendings()
    sendings.send(events=[failed_task(START)])

    assert sendings.told(seen("failures_in_a_row", "ok", "main"), minutes=2 * REPEAT_MINUTES) == []


def test_an_event_is_suppressed_by_the_cause_that_it_names() -> None:
    sendings = Sendings()
    events = [failed_task(START, caused_by=["warehouse_reachable"])]

    assert sendings.told(DOWN, events=events) == ["opened warehouse critical"]
    assert sendings.open["task_failed main"].suppressed_by == "warehouse_reachable"


def test_a_task_that_failed_for_another_reason_is_told_beside_the_cause() -> None:
    assert Sendings().told(DOWN, events=[failed_task(START)]) == ["opened loads critical", "opened warehouse critical"]


def test_a_late_run_of_the_load_follows_from_the_warehouse() -> None:
    late = failed_task(START, "ozon_etl", None)
    late = type(late)(**{**late.as_dict(), "rule": "run_deadline", "happened_at": START})

    assert Sendings().told(DOWN, events=[late]) == ["opened warehouse critical"]


def test_an_event_from_before_its_cause_recovered_is_not_told_and_one_from_after_is() -> None:
    sendings = Sendings()
    sendings.send(DOWN)
    during = sendings.now + timedelta(minutes=5)
    sendings.send(UP)
    after = sendings.now + timedelta(minutes=5)
    named = ["warehouse_reachable"]

    assert sendings.told(UP, events=[failed_task(during, caused_by=named)]) == []
    assert sendings.told(UP) == []
    assert sendings.told(UP, events=[failed_task(after, caused_by=named)]) == ["opened loads critical"]


def test_an_event_of_the_cause_that_was_only_noticed_later_is_suppressed() -> None:
    sendings = Sendings()
    before = sendings.now
    sendings.send(DOWN)
    sendings.send(UP)

    assert sendings.told(UP, events=[failed_task(before, caused_by=["warehouse_reachable"])]) == []


def test_suppressed_events_are_never_told() -> None:
    sendings = Sendings()
    sendings.send(DOWN, events=[failed_task(START, caused_by=["warehouse_reachable"])])
    sendings.send(UP)

    for _ in range(2 * REPEAT_MINUTES // 15):
        assert sendings.told(UP) == []
    assert sendings.open == {}


def test_a_consequence_of_the_same_key_does_not_repeat_what_was_told() -> None:
    sendings = Sendings()
    sendings.send(events=[failed_task(START)])
    during = failed_task(sendings.now + timedelta(minutes=5), caused_by=["warehouse_reachable"])
    sendings.send(DOWN, events=[during])

    assert sendings.told(UP, minutes=REPEAT_MINUTES - 15) == ["recovered warehouse critical"]


def test_a_failure_of_its_own_after_the_cause_is_told_with_what_was_held_back() -> None:
    sendings = Sendings()
    sendings.send(DOWN, FAILING)
    sendings.send(UP, FAILING)
    (notice,) = sendings.send(UP, FAILING, events=[failed_task(sendings.now)])

    assert {alert.rule for alert in notice.alerts} == {"task_failed", "failures_in_a_row"}
    assert sendings.told(UP, seen("failures_in_a_row", "ok", "main")) == ["recovered loads critical"]


# Planned work


def silent(sendings: Sendings, minutes: int, **silence: object) -> None:
    """A window from now on, given as the file would: without an offset, in the configured time zone."""
    starts_at = sendings.settings.in_time_zone(sendings.now).replace(tzinfo=None)
    window = {"starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=minutes), **silence}
    sendings.settings = changed(sendings.settings, "alerts", silences={"planned": window})


def test_what_opens_in_a_window_is_told_after_it_where_it_lasts() -> None:
    sendings = Sendings()
    silent(sendings, 40)

    assert sendings.told(seen("disk_used_pct")) == []
    assert "disk_used_pct" in sendings.open
    assert sendings.told(seen("disk_used_pct"), minutes=24) == []
    assert sendings.told(seen("disk_used_pct"), minutes=1) == ["opened disk_used_pct critical"]


def test_what_recovers_in_the_window_is_never_told() -> None:
    sendings = Sendings()
    silent(sendings, 40)
    sendings.send(seen("disk_used_pct"))

    assert sendings.told(seen("disk_used_pct", "ok")) == []
    assert sendings.told(seen("disk_used_pct", "ok"), minutes=REPEAT_MINUTES) == []


def test_what_opened_in_a_window_does_not_delay_the_recovery_of_what_was_told_before_it() -> None:
    sendings = Sendings()
    sendings.send(seen("product_etl_age_hours", "warning", "main"))
    silent(sendings, 40, rules=["failures_in_a_row"])
    (notice,) = sendings.send(FAILING, seen("product_etl_age_hours", "ok", "main"))
    assert (notice.kind, [alert.rule for alert in notice.alerts]) == ("recovered", ["product_etl_age_hours"])

    assert sendings.told(FAILING, minutes=40) == ["opened loads warning"]
    (notice,) = sendings.send(seen("failures_in_a_row", "ok", "main"))
    assert [alert.rule for alert in notice.alerts] == ["failures_in_a_row"]


def test_in_a_window_nothing_is_repeated_or_worse_but_a_recovery_is_told() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"), seen("memory_used_pct", "warning"))
    silent(sendings, 10 * REPEAT_MINUTES)

    told = sendings.told(seen("disk_used_pct", "critical"), seen("memory_used_pct", "ok"), minutes=2 * REPEAT_MINUTES)
    assert told == ["recovered memory_used_pct warning"]
    sendings.settings = alert_settings()
    assert sendings.told(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]


def test_a_window_can_be_for_some_rules_and_accounts() -> None:
    sendings = Sendings()
    silent(sendings, 40, rules=["api_key"], accounts=["main"])
    results = [seen("api_key", "critical", "main"), seen("api_key", "critical", "second"), seen("disk_used_pct")]
    told = sendings.send(*results)

    assert sorted((alert.rule, alert.account) for notice in told for alert in notice.alerts) == [
        ("api_key", "second"),
        ("disk_used_pct", None),
    ]


def test_a_window_for_an_account_does_not_silence_what_concerns_all() -> None:
    sendings = Sendings()
    silent(sendings, 40, accounts=["main"])

    assert sendings.told(DOWN) == ["opened warehouse critical"]


def test_a_moment_with_an_offset_is_taken_as_it_is() -> None:
    sendings = Sendings()
    window = {"starts_at": START, "ends_at": datetime(2026, 3, 2, 7, 0, tzinfo=UTC)}
    sendings.settings = changed(sendings.settings, "alerts", silences={"planned": window})

    assert sendings.told(seen("disk_used_pct"), minutes=59) == []
    assert sendings.told(seen("disk_used_pct"), minutes=1) == ["opened disk_used_pct critical"]


def test_planned_work_on_the_warehouse_also_silences_what_follows_from_it() -> None:
    sendings = Sendings()
    silent(sendings, 60, rules=["warehouse_reachable"])

    assert sendings.told(DOWN, FAILING) == []
    assert sendings.told(UP, FAILING) == []
