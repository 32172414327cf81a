"""Notifications of an incident: opened, worse, repeated, resolved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from include.ozon.monitoring.alerts.model import Kind
from tests.support.alerts import REPEAT_MINUTES, START, Runs, alert_settings, broken, failed_task, seen, with_group
from tests.support.pipeline import changed


def test_nothing_is_notified_while_all_is_well() -> None:
    runs = Runs()

    assert runs.notified(seen("disk_used_pct", "ok"), seen("api_key", "ok", "main")) == []
    assert runs.incidents == ()


def test_an_incident_is_notified_once_and_not_again_within_its_repeat_interval() -> None:
    runs = Runs()

    assert runs.notified(seen("disk_used_pct", "warning")) == ["opened disk_used_pct warning"]
    for _ in range(3):
        assert runs.notified(seen("disk_used_pct", "warning")) == []
    assert runs.unresolved["disk_used_pct"].notified_at == START + timedelta(minutes=15)


def test_it_is_repeated_after_the_repeat_interval_counted_from_the_last_message() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))

    assert runs.notified(seen("disk_used_pct", "warning"), minutes=REPEAT_MINUTES - 1) == []
    assert runs.notified(seen("disk_used_pct", "warning"), minutes=1) == ["repeat disk_used_pct warning"]
    assert runs.notified(seen("disk_used_pct", "warning"), minutes=REPEAT_MINUTES - 1) == []
    assert runs.unresolved["disk_used_pct"].by_channel["team"].kind is Kind.REPEAT


def test_a_groups_own_repeat_interval_comes_first() -> None:
    runs = Runs(with_group(alert_settings(), "disk_used_pct", repeat_minutes=20))
    runs.run(seen("disk_used_pct"))

    assert runs.notified(seen("disk_used_pct"), minutes=19) == []
    assert runs.notified(seen("disk_used_pct"), minutes=1) == ["repeat disk_used_pct critical"]


def test_only_measured_rules_are_repeated() -> None:
    runs = Runs()
    runs.run(seen("visible_share_pct", account="main", area="visibility"))

    assert runs.notified(seen("disk_used_pct", "ok"), minutes=2 * REPEAT_MINUTES) == []
    assert runs.notified(seen("visible_share_pct", account="main")) == ["repeat visibility critical"]


def test_getting_worse_is_notified_at_once_and_getting_better_is_not() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))

    assert runs.notified(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]
    assert runs.notified(seen("disk_used_pct", "warning")) == []
    assert runs.notified(seen("disk_used_pct", "critical")) == []


def test_a_repeat_at_a_lower_level_makes_a_rise_worth_notifying_again() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "critical"))

    assert runs.notified(seen("disk_used_pct", "warning"), minutes=REPEAT_MINUTES) == ["repeat disk_used_pct warning"]
    assert runs.notified(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]


def test_a_recovery_is_notified_once_with_how_long_it_lasted() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))
    opened_at = runs.now
    (message,) = runs.run(seen("disk_used_pct", "ok"), minutes=40)

    assert (message.kind, message.level) == (Kind.RESOLVED, "warning")
    (alert,) = message.alerts
    assert (alert.opened_at, alert.resolved_at) == (opened_at, opened_at + timedelta(minutes=40))
    assert runs.notified(seen("disk_used_pct", "ok")) == []
    assert runs.notified(seen("disk_used_pct", "warning")) == ["opened disk_used_pct warning"]


def test_an_incident_that_was_not_delivered_is_resolved_silently() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct"), failing=["team"])

    assert runs.notified(seen("disk_used_pct", "ok")) == []
    assert "disk_used_pct" not in runs.firing


def test_several_rules_and_accounts_of_a_group_are_one_message() -> None:
    (message,) = Runs().run(
        seen("failures_in_a_row", "warning", "second"),
        seen("product_etl_age_hours", "critical", "main"),
        seen("inventory_etl_age_hours", "warning", "main"),
    )

    assert (message.kind, message.group, message.level) == (Kind.OPENED, "loads", "critical")
    assert [(alert.rule, alert.account) for alert in message.alerts] == [
        ("product_etl_age_hours", "main"),
        ("inventory_etl_age_hours", "main"),
        ("failures_in_a_row", "second"),
    ]


def test_different_groups_are_different_messages() -> None:
    notified = Runs().notified(seen("product_etl_age_hours", "warning", "main"), seen("disk_used_pct", "warning"))

    assert notified == ["opened disk_used_pct warning", "opened loads warning"]


def test_one_message_has_the_most_important_kind_and_recoveries_are_apart() -> None:
    runs = Runs()
    runs.run(seen("failures_in_a_row", "warning", "main"), seen("disk_used_pct", "warning"))
    notified = runs.notified(
        seen("failures_in_a_row", "critical", "main"),
        seen("failures_in_a_row", "warning", "second"),
        seen("disk_used_pct", "ok"),
    )
    assert notified == ["opened loads critical", "resolved disk_used_pct warning"]

    notified = runs.notified(
        seen("failures_in_a_row", "ok", "main"),
        seen("failures_in_a_row", "critical", "second"),
    )
    assert notified == ["resolved loads critical", "worse loads critical"]


def test_an_account_with_nothing_new_is_left_out_of_the_others_message() -> None:
    runs = Runs()
    runs.run(seen("failures_in_a_row", "warning", "main"))
    (message,) = runs.run(seen("failures_in_a_row", "warning", "main"), seen("failures_in_a_row", "warning", "second"))

    assert [alert.account for alert in message.alerts] == ["second"]


def test_a_further_rule_of_an_incident_is_first_notified_with_its_repeat() -> None:
    runs = Runs()
    first = seen("product_etl_age_hours", "critical", "main")
    further = seen("failures_in_a_row", "warning", "main")
    runs.run(first)

    assert runs.notified(first, further) == []
    assert runs.notified(first, replace(further, status=first.status)) == []
    (message,) = runs.run(first, further, minutes=REPEAT_MINUTES - 30)
    assert message.kind is Kind.REPEAT
    assert [alert.rule for alert in message.alerts] == ["product_etl_age_hours", "failures_in_a_row"]


def test_a_further_rule_at_a_higher_level_makes_the_incident_worse() -> None:
    runs = Runs()
    first = seen("product_etl_age_hours", "warning", "main")
    runs.run(first)

    assert runs.notified(first, seen("failures_in_a_row", "critical", "main")) == ["worse loads critical"]


def test_an_incident_recovers_with_its_last_rule_and_lists_all_of_them() -> None:
    runs = Runs()
    runs.run(seen("product_etl_age_hours", "warning", "main"))
    runs.run(seen("product_etl_age_hours", "warning", "main"), seen("failures_in_a_row", "warning", "main"))

    notified = runs.notified(seen("product_etl_age_hours", "ok", "main"), seen("failures_in_a_row", "warning", "main"))
    assert notified == []
    (message,) = runs.run(seen("failures_in_a_row", "ok", "main"))
    assert message.kind is Kind.RESOLVED
    assert {alert.rule for alert in message.alerts} == {"product_etl_age_hours", "failures_in_a_row"}
    assert all(alert.resolved_at for alert in message.alerts)


def test_the_repeat_interval_and_the_level_outlive_the_rule_that_was_notified() -> None:
    runs = Runs()
    notified, further = ("product_etl_age_hours", "main"), ("failures_in_a_row", "main")
    runs.run(seen(notified[0], "critical", notified[1]))
    runs.run(seen(notified[0], "ok", notified[1]), seen(further[0], "warning", further[1]))

    assert runs.notified(seen(further[0], "critical", further[1])) == []
    assert runs.notified(seen(further[0], "critical", further[1]), minutes=30) == ["repeat loads critical"]


def test_an_earlier_incident_is_not_listed_again_in_a_later_ones_recovery() -> None:
    runs = Runs()
    for rule in ("product_etl_age_hours", "failures_in_a_row"):
        runs.run(seen(rule, "warning", "main"))
        (message,) = runs.run(seen(rule, "ok", "main"))

        assert [alert.rule for alert in message.alerts] == [rule]


def test_what_was_closed_silently_is_not_listed_in_a_later_recovery() -> None:
    runs = Runs()
    runs.run(seen("product_etl_age_hours", "warning", "main"))
    settings = runs.settings
    runs.settings = changed(settings, "components.product_etl.age_limit_hours", enabled=False)
    runs.run()
    runs.settings = settings
    runs.run(seen("failures_in_a_row", "warning", "main"))
    (message,) = runs.run(seen("failures_in_a_row", "ok", "main"))

    assert [alert.rule for alert in message.alerts] == ["failures_in_a_row"]


def test_unknown_neither_opens_nor_closes() -> None:
    runs = Runs()
    assert runs.notified(seen("disk_used_pct", "unknown")) == []
    assert runs.firing == {}

    runs.run(seen("disk_used_pct", "warning"))
    assert runs.notified(seen("disk_used_pct", "unknown")) == []
    assert runs.firing["disk_used_pct"].level == "warning"
    assert runs.notified(seen("disk_used_pct", "unknown"), minutes=REPEAT_MINUTES) == ["repeat disk_used_pct warning"]


def test_an_alert_that_is_not_measured_stays_as_it_is() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))

    assert runs.notified(seen("memory_used_pct", "ok")) == []
    assert "disk_used_pct" in runs.firing


def test_an_alert_that_nothing_measures_any_more_is_forgotten_silently() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))

    assert runs.notified(seen("memory_used_pct", "ok"), minutes=3 * 24 * 60) == []
    assert runs.firing == {}


def test_checks_that_broke_open_one_alert_for_each_component_and_one_message() -> None:
    runs = Runs()
    (message,) = runs.run(
        broken("api_key", "main", "api"),
        broken("api_key", "second", "api"),
        broken("api_reachable", "main", "api", why="Another reason."),
        seen("api_methods", "ok", "main", "api"),
        broken("disk_used_pct", None, "machine"),
    )

    assert (message.kind, message.group, message.level) == (Kind.OPENED, "unmeasured", "warning")
    assert [(alert.account, alert.subject, alert.value) for alert in message.alerts] == [
        (None, "api", 3.0),
        (None, "machine", 1.0),
    ]
    assert message.alerts[0].message == (
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
    (message,) = Runs().run(*checks)

    assert message.alerts[0].message.endswith("And 1 for other reasons.")
    (message,) = Runs().run(*checks[3:])
    assert "and 1 more: Same." in message.alerts[0].message


def test_a_component_that_was_measured_again_recovers_and_another_ones_sending_closes_nothing() -> None:
    runs = Runs()
    runs.run(broken("disk_used_pct", None, "machine"))

    assert runs.notified(seen("visible_share_pct", "ok", "main", "visibility")) == []
    assert runs.notified(seen("disk_used_pct", "ok", None, "machine")) == ["resolved unmeasured warning"]


def test_unknown_without_a_failure_is_measured() -> None:
    assert Runs().notified(seen("product_etl_age_hours", "unknown", "main")) == []


def test_a_component_that_broke_before_its_first_check_says_why() -> None:
    (message,) = Runs().run(broken("unmeasured", None, "machine", why="The task failed."))

    assert message.alerts[0].message == "Checks of machine could not be measured. The task failed."


def test_a_rule_that_is_off_never_alerts_and_its_open_alert_goes_silently() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct"), events=[failed_task(START)])
    off = changed(changed(runs.settings, "rules.disk_used_pct", enabled=False), "rules.task_failed", enabled=False)
    runs.settings = off

    assert runs.notified(seen("disk_used_pct"), events=[failed_task(runs.now)]) == []
    assert runs.firing == {}
    assert Runs(off).notified(broken("disk_used_pct", None, "machine")) == []


def test_unmeasured_can_be_turned_off() -> None:
    runs = Runs(changed(alert_settings(), "rules.unmeasured", enabled=False))

    assert runs.notified(broken("disk_used_pct"), broken("unmeasured")) == []


def test_an_account_that_is_no_longer_configured_goes_silently() -> None:
    runs = Runs()
    runs.run(seen("api_key", "critical", "second"), seen("api_key", "critical", "main"))
    accounts = {name: account for name, account in runs.settings.accounts.items() if name == "main"}
    runs.settings = runs.settings.model_copy(update={"accounts": accounts})

    notified = runs.notified(seen("api_key", "critical", "second"), events=[failed_task(runs.now, account="second")])
    assert notified == []
    assert list(runs.firing) == ["api_key main"]


def test_a_rule_of_another_version_goes_silently() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct"))
    runs.change(alerts=(replace(runs.firing["disk_used_pct"], rule="disk_of_old"),))

    assert runs.notified() == []
    assert runs.firing == {}


def test_of_two_findings_for_one_key_the_worse_counts_whichever_comes_first() -> None:
    findings = [seen("duration_ratio", status, "main") for status in ("warning", "ok", "critical")]

    assert Runs().notified(*findings) == Runs().notified(*reversed(findings)) == ["opened slow critical"]


def test_two_open_alerts_of_one_key_become_one() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct"))
    first = runs.firing["disk_used_pct"]
    runs.change(alerts=(first, replace(first, alert_id="22222222", opened_at=runs.now + timedelta(minutes=1))))

    assert runs.notified(seen("disk_used_pct")) == []
    assert [alert.alert_id for alert in runs.alerts if alert.is_firing] == [first.alert_id]


def test_details_go_with_their_group_and_links_with_every_message() -> None:
    event = failed_task(START, link="http://airflow/run", details=("Try 3 of 3.",))
    messages = Runs().run(
        seen("visible_share_pct", account="main"),
        events=[event],
        details={"visibility": ["A lamp, hidden since Monday."], "loads": ["From the run."], "slow": ["Nothing."]},
        links=["http://airflow/health"],
    )
    loads, visibility = sorted(messages, key=lambda message: message.group)

    assert loads.details == ("From the run.", "Try 3 of 3.")
    assert loads.links == ("http://airflow/run", "http://airflow/health")
    assert visibility.details == ("A lamp, hidden since Monday.",)
    assert visibility.links == ("http://airflow/health",)


def test_an_acknowledgement_silences_repeats_until_it_gets_worse() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))
    runs.change(acknowledged_at=runs.now)

    assert runs.notified(seen("disk_used_pct", "warning"), minutes=2 * REPEAT_MINUTES) == []
    assert runs.notified(seen("disk_used_pct", "critical")) == ["worse disk_used_pct critical"]
    assert runs.unresolved["disk_used_pct"].acknowledged_at is None
    assert runs.notified(seen("disk_used_pct"), minutes=REPEAT_MINUTES) == ["repeat disk_used_pct critical"]


def test_the_recovery_of_an_acknowledged_incident_is_notified() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))
    runs.change(acknowledged_at=runs.now)

    assert runs.notified(seen("disk_used_pct", "ok")) == ["resolved disk_used_pct warning"]


def test_what_joins_an_acknowledged_incident_is_acknowledged() -> None:
    runs = Runs()
    runs.run(seen("product_etl_age_hours", "warning", "main"))
    runs.change(acknowledged_at=runs.now)
    further = seen("failures_in_a_row", "warning", "main")
    runs.run(seen("product_etl_age_hours", "ok", "main"), further)

    assert runs.notified(further, minutes=2 * REPEAT_MINUTES) == []


def test_an_acknowledgement_before_anything_could_be_notified_silences_too_until_it_gets_worse() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"), failing=["team"])
    runs.change(acknowledged_at=runs.now)

    assert runs.notified(seen("disk_used_pct", "warning")) == []
    assert runs.notified(seen("disk_used_pct", "critical")) == ["opened disk_used_pct critical"]


def test_the_message_of_an_open_alert_is_the_latest() -> None:
    runs = Runs()
    runs.run(seen("disk_used_pct", "warning"))
    runs.run(seen("disk_used_pct", "warning", value=93.0, threshold=85.0, message="93 % used."))

    alert = runs.firing["disk_used_pct"]
    assert (alert.value, alert.threshold, alert.message, alert.last_seen_at) == (93.0, 85.0, "93 % used.", runs.now)
