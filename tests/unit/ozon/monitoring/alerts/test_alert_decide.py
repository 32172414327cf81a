"""What is told when: an incident opens, gets worse, lasts, recovers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from include.ozon.monitoring.alerts.model import Kind
from tests.support.alerts import REPEAT_MINUTES, START, Sendings, alert_settings, broken, failed_task, seen, with_group
from tests.support.pipeline import changed


def test_what_is_well_is_not_told() -> None:
    sendings = Sendings()

    assert sendings.told(seen("disk_used_pct", "ok"), seen("api_key", "ok", "main")) == []
    assert sendings.alerts == ()


def test_an_incident_is_told_once_and_not_again_within_its_repeat_interval() -> None:
    sendings = Sendings()

    assert sendings.told(seen("disk_used_pct", "warning")) == ["opened disk_used_pct warning"]
    for _ in range(3):
        assert sendings.told(seen("disk_used_pct", "warning")) == []
    assert sendings.open["disk_used_pct"].sent_count == 1


def test_it_is_repeated_after_the_repeat_interval_counted_from_the_last_message() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))

    assert sendings.told(seen("disk_used_pct", "warning"), minutes=REPEAT_MINUTES - 1) == []
    assert sendings.told(seen("disk_used_pct", "warning"), minutes=1) == ["repeat disk_used_pct warning"]
    assert sendings.told(seen("disk_used_pct", "warning"), minutes=REPEAT_MINUTES - 1) == []
    assert sendings.open["disk_used_pct"].sent_count == 2


def test_a_groups_own_repeat_interval_comes_first() -> None:
    sendings = Sendings(with_group(alert_settings(), "disk_used_pct", repeat_minutes=20))
    sendings.send(seen("disk_used_pct"))

    assert sendings.told(seen("disk_used_pct"), minutes=19) == []
    assert sendings.told(seen("disk_used_pct"), minutes=1) == ["repeat disk_used_pct critical"]


def test_a_repeat_is_only_of_what_this_sending_has_looked_at() -> None:
    sendings = Sendings()
    sendings.send(seen("visible_share_pct", account="main", area="visibility"))

    assert sendings.told(seen("disk_used_pct", "ok"), minutes=2 * REPEAT_MINUTES) == []
    assert sendings.told(seen("visible_share_pct", account="main")) == ["repeat visibility critical"]


def test_getting_worse_is_told_at_once_and_getting_better_is_not() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))

    assert sendings.told(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]
    assert sendings.told(seen("disk_used_pct", "warning")) == []
    assert sendings.told(seen("disk_used_pct", "critical")) == []


def test_a_repeat_at_a_lower_level_makes_a_rise_worth_telling_again() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "critical"))

    assert sendings.told(seen("disk_used_pct", "warning"), minutes=REPEAT_MINUTES) == ["repeat disk_used_pct warning"]
    assert sendings.told(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]


def test_a_recovery_is_told_once_with_how_long_it_lasted() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))
    opened_at = sendings.now
    (notice,) = sendings.send(seen("disk_used_pct", "ok"), minutes=40)

    assert (notice.kind, notice.level) == (Kind.RECOVERED, "warning")
    (alert,) = notice.alerts
    assert (alert.opened_at, alert.recovered_at) == (opened_at, opened_at + timedelta(minutes=40))
    assert sendings.told(seen("disk_used_pct", "ok")) == []
    assert sendings.told(seen("disk_used_pct", "warning")) == ["opened disk_used_pct warning"]


def test_what_could_not_be_told_recovers_in_silence() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct"), failing=["team"])

    assert sendings.told(seen("disk_used_pct", "ok")) == []
    assert sendings.open == {}


def test_several_rules_and_accounts_of_a_group_are_one_message() -> None:
    (notice,) = Sendings().send(
        seen("failures_in_a_row", "warning", "second"),
        seen("product_etl_age_hours", "critical", "main"),
        seen("inventory_etl_age_hours", "warning", "main"),
    )

    assert (notice.kind, notice.group, notice.level) == (Kind.OPENED, "loads", "critical")
    assert [(alert.rule, alert.account) for alert in notice.alerts] == [
        ("product_etl_age_hours", "main"),
        ("inventory_etl_age_hours", "main"),
        ("failures_in_a_row", "second"),
    ]


def test_different_groups_are_different_messages() -> None:
    told = Sendings().told(seen("product_etl_age_hours", "warning", "main"), seen("disk_used_pct", "warning"))

    assert told == ["opened disk_used_pct warning", "opened loads warning"]


def test_one_message_has_the_most_important_kind_and_recoveries_are_apart() -> None:
    sendings = Sendings()
    sendings.send(seen("failures_in_a_row", "warning", "main"), seen("disk_used_pct", "warning"))
    told = sendings.told(
        seen("failures_in_a_row", "critical", "main"),
        seen("failures_in_a_row", "warning", "second"),
        seen("disk_used_pct", "ok"),
    )
    assert told == ["opened loads critical", "recovered disk_used_pct warning"]

    told = sendings.told(
        seen("failures_in_a_row", "ok", "main"),
        seen("failures_in_a_row", "critical", "second"),
    )
    assert told == ["recovered loads critical", "worse loads critical"]


def test_an_account_with_nothing_new_is_left_out_of_the_others_message() -> None:
    sendings = Sendings()
    sendings.send(seen("failures_in_a_row", "warning", "main"))
    (notice,) = sendings.send(
        seen("failures_in_a_row", "warning", "main"), seen("failures_in_a_row", "warning", "second")
    )

    assert [alert.account for alert in notice.alerts] == ["second"]


def test_a_further_rule_of_an_incident_is_first_told_with_its_repeat() -> None:
    sendings = Sendings()
    first = seen("product_etl_age_hours", "critical", "main")
    further = seen("failures_in_a_row", "warning", "main")
    sendings.send(first)

    assert sendings.told(first, further) == []
    assert sendings.told(first, replace(further, status=first.status)) == []
    (notice,) = sendings.send(first, further, minutes=REPEAT_MINUTES - 30)
    assert notice.kind is Kind.REPEAT
    assert [alert.rule for alert in notice.alerts] == ["product_etl_age_hours", "failures_in_a_row"]


def test_a_further_rule_at_a_higher_level_makes_the_incident_worse() -> None:
    sendings = Sendings()
    first = seen("product_etl_age_hours", "warning", "main")
    sendings.send(first)

    assert sendings.told(first, seen("failures_in_a_row", "critical", "main")) == ["worse loads critical"]


def test_an_incident_recovers_with_its_last_rule_and_lists_all_of_them() -> None:
    sendings = Sendings()
    sendings.send(seen("product_etl_age_hours", "warning", "main"))
    sendings.send(seen("product_etl_age_hours", "warning", "main"), seen("failures_in_a_row", "warning", "main"))

    told = sendings.told(seen("product_etl_age_hours", "ok", "main"), seen("failures_in_a_row", "warning", "main"))
    assert told == []
    (notice,) = sendings.send(seen("failures_in_a_row", "ok", "main"))
    assert notice.kind is Kind.RECOVERED
    assert {alert.rule for alert in notice.alerts} == {"product_etl_age_hours", "failures_in_a_row"}
    assert all(alert.recovered_at for alert in notice.alerts)


def test_the_repeat_interval_and_the_level_outlive_the_rule_that_was_told() -> None:
    sendings = Sendings()
    told, further = ("product_etl_age_hours", "main"), ("failures_in_a_row", "main")
    sendings.send(seen(told[0], "critical", told[1]))
    sendings.send(seen(told[0], "ok", told[1]), seen(further[0], "warning", further[1]))

    assert sendings.told(seen(further[0], "critical", further[1])) == []
    assert sendings.told(seen(further[0], "critical", further[1]), minutes=30) == ["repeat loads critical"]


def test_an_earlier_incident_is_not_listed_again_in_a_later_ones_recovery() -> None:
    sendings = Sendings()
    for rule in ("product_etl_age_hours", "failures_in_a_row"):
        sendings.send(seen(rule, "warning", "main"))
        (notice,) = sendings.send(seen(rule, "ok", "main"))

        assert [alert.rule for alert in notice.alerts] == [rule]


def test_what_was_closed_in_silence_is_not_listed_in_a_later_recovery() -> None:
    sendings = Sendings()
    sendings.send(seen("product_etl_age_hours", "warning", "main"))
    settings = sendings.settings
    sendings.settings = changed(settings, "components.product_etl.age_limit_hours", enabled=False)
    sendings.send()
    sendings.settings = settings
    sendings.send(seen("failures_in_a_row", "warning", "main"))
    (notice,) = sendings.send(seen("failures_in_a_row", "ok", "main"))

    assert [alert.rule for alert in notice.alerts] == ["failures_in_a_row"]


def test_unknown_neither_opens_nor_closes() -> None:
    sendings = Sendings()
    assert sendings.told(seen("disk_used_pct", "unknown")) == []
    assert sendings.open == {}

    sendings.send(seen("disk_used_pct", "warning"))
    assert sendings.told(seen("disk_used_pct", "unknown")) == []
    assert sendings.open["disk_used_pct"].level == "warning"
    assert sendings.told(seen("disk_used_pct", "unknown"), minutes=REPEAT_MINUTES) == ["repeat disk_used_pct warning"]


def test_what_was_not_looked_at_stays_as_it_is() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))

    assert sendings.told(seen("memory_used_pct", "ok")) == []
    assert "disk_used_pct" in sendings.open


def test_what_nothing_looks_at_any_more_is_forgotten_in_silence() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))

    assert sendings.told(seen("memory_used_pct", "ok"), minutes=3 * 24 * 60) == []
    assert sendings.open == {}


def test_checks_that_broke_open_one_alert_for_each_component_and_one_message() -> None:
    sendings = Sendings()
    (notice,) = sendings.send(
        broken("api_key", "main", "api"),
        broken("api_key", "second", "api"),
        broken("api_reachable", "main", "api", why="Another reason."),
        seen("api_methods", "ok", "main", "api"),
        broken("disk_used_pct", None, "machine"),
    )

    assert (notice.kind, notice.group, notice.level) == (Kind.OPENED, "unmeasured", "warning")
    assert [(alert.account, alert.subject, alert.value) for alert in notice.alerts] == [
        (None, "api", 3.0),
        (None, "machine", 1.0),
    ]
    assert notice.alerts[0].message == (
        "Checks of api could not be measured. api_reachable of main: Another reason. "
        "api_key of main, api_key of second: No answer."
    )


def test_a_message_of_many_broken_checks_stays_short() -> None:
    checks = [
        broken(name, why=f"Reason {name}.")
        for name in ("lock_held_minutes", "killed_attempt", "missed_schedule_minutes")
    ]
    checks += [broken("failures_in_a_row", f"{name}", why="Same.") for name in ("main", "second")]
    checks += [broken(name, "main", why="Same.") for name in ("failure_rate_pct", "duration_ratio", "killed_attempt")]
    (notice,) = Sendings().send(*checks)

    assert notice.alerts[0].message.endswith("And 1 for other reasons.")
    (notice,) = Sendings().send(*checks[3:])
    assert "and 1 more: Same." in notice.alerts[0].message


def test_a_component_that_was_measured_again_recovers_and_another_ones_sending_closes_nothing() -> None:
    sendings = Sendings()
    sendings.send(broken("disk_used_pct", None, "machine"))

    assert sendings.told(seen("visible_share_pct", "ok", "main", "visibility")) == []
    assert sendings.told(seen("disk_used_pct", "ok", None, "machine")) == ["recovered unmeasured warning"]


def test_unknown_without_a_failure_is_measured() -> None:
    assert Sendings().told(seen("product_etl_age_hours", "unknown", "main")) == []


def test_a_component_that_broke_before_its_first_check_says_why() -> None:
    (notice,) = Sendings().send(broken("unmeasured", None, "machine", why="The task failed."))

    assert notice.alerts[0].message == "Checks of machine could not be measured. The task failed."


def test_a_rule_that_is_off_never_alerts_and_its_open_alert_goes_in_silence() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct"), events=[failed_task(START)])
    off = changed(changed(sendings.settings, "rules.disk_used_pct", enabled=False), "rules.task_failed", enabled=False)
    sendings.settings = off

    assert sendings.told(seen("disk_used_pct"), events=[failed_task(sendings.now)]) == []
    assert sendings.open == {}
    assert Sendings(off).told(broken("disk_used_pct", None, "machine")) == []


def test_unmeasured_can_be_turned_off() -> None:
    sendings = Sendings(changed(alert_settings(), "rules.unmeasured", enabled=False))

    assert sendings.told(broken("disk_used_pct"), broken("unmeasured")) == []


def test_an_account_that_is_no_longer_configured_goes_in_silence() -> None:
    sendings = Sendings()
    sendings.send(seen("api_key", "critical", "second"), seen("api_key", "critical", "main"))
    accounts = {name: account for name, account in sendings.settings.accounts.items() if name == "main"}
    sendings.settings = sendings.settings.model_copy(update={"accounts": accounts})

    told = sendings.told(seen("api_key", "critical", "second"), events=[failed_task(sendings.now, account="second")])
    assert told == []
    assert list(sendings.open) == ["api_key main"]


def test_a_rule_of_another_version_goes_in_silence() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct"))
    sendings.alerts = tuple(replace(alert, rule="disk_of_old") for alert in sendings.alerts)

    assert sendings.told() == []
    assert sendings.open == {}


def test_of_two_findings_for_one_key_the_worse_counts_whichever_comes_first() -> None:
    findings = [seen("duration_ratio", status, "main") for status in ("warning", "ok", "critical")]

    assert Sendings().told(*findings) == Sendings().told(*reversed(findings)) == ["opened slow critical"]


def test_two_open_alerts_of_one_key_become_one() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct"))
    sendings.alerts += (
        replace(sendings.alerts[0], alert_id="22222222", opened_at=sendings.now + timedelta(minutes=1)),
    )
    first = sendings.alerts[0].alert_id

    assert sendings.told(seen("disk_used_pct")) == []
    assert [alert.alert_id for alert in sendings.alerts if alert.is_open] == [first]


def test_details_go_with_their_group_and_links_with_every_message() -> None:
    event = failed_task(START, link="http://airflow/run", details=("Try 3 of 3.",))
    notices = Sendings().send(
        seen("visible_share_pct", account="main"),
        events=[event],
        details={"visibility": ["A lamp, hidden since Monday."], "loads": ["From the run."], "slow": ["Nothing."]},
        links=["http://airflow/health"],
    )
    loads, visibility = sorted(notices, key=lambda notice: notice.group)

    assert loads.details == ("From the run.", "Try 3 of 3.")
    assert loads.links == ("http://airflow/run", "http://airflow/health")
    assert visibility.details == ("A lamp, hidden since Monday.",)
    assert visibility.links == ("http://airflow/health",)


def test_an_acknowledgement_silences_repeats_until_it_gets_worse() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))
    sendings.alerts = tuple(replace(alert, acknowledged_at=sendings.now) for alert in sendings.alerts)

    assert sendings.told(seen("disk_used_pct", "warning"), minutes=2 * REPEAT_MINUTES) == []
    assert sendings.told(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]
    assert sendings.open["disk_used_pct"].acknowledged_at is None
    assert sendings.told(seen("disk_used_pct"), minutes=REPEAT_MINUTES) == ["repeat disk_used_pct critical"]


def test_the_recovery_of_an_acknowledged_incident_is_told() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))
    sendings.alerts = tuple(replace(alert, acknowledged_at=sendings.now) for alert in sendings.alerts)

    assert sendings.told(seen("disk_used_pct", "ok")) == ["recovered disk_used_pct warning"]


def test_what_joins_an_acknowledged_incident_is_acknowledged() -> None:
    sendings = Sendings()
    sendings.send(seen("product_etl_age_hours", "warning", "main"))
    sendings.alerts = tuple(replace(alert, acknowledged_at=sendings.now) for alert in sendings.alerts)
    further = seen("failures_in_a_row", "warning", "main")
    sendings.send(seen("product_etl_age_hours", "ok", "main"), further)

    assert sendings.told(further, minutes=2 * REPEAT_MINUTES) == []


def test_an_acknowledgement_before_anything_could_be_told_silences_too_until_it_gets_worse() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"), failing=["team"])
    sendings.alerts = tuple(replace(alert, acknowledged_at=sendings.now) for alert in sendings.alerts)

    assert sendings.told(seen("disk_used_pct", "warning")) == []
    assert sendings.told(seen("disk_used_pct", "critical")) == ["opened disk_used_pct critical"]


def test_the_message_of_an_open_alert_is_the_latest() -> None:
    sendings = Sendings()
    sendings.send(seen("disk_used_pct", "warning"))
    sendings.send(seen("disk_used_pct", "warning", value=93.0, threshold=85.0, message="93 % used."))

    alert = sendings.open["disk_used_pct"]
    assert (alert.value, alert.threshold, alert.message, alert.last_seen_at) == (93.0, 85.0, "93 % used.", sendings.now)
