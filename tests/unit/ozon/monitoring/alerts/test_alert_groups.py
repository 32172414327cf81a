"""Which rules are one cause, and which are consequences."""

from __future__ import annotations

import pytest

from include.ozon.monitoring.alerts.muting import causes_of, group_of
from include.ozon.monitoring.rules import RULES

NAMES = [rule.name for rule in RULES]
_GROUPS = {
    "warehouse",
    "loads",
    "slow",
    "visibility",
    "api_access",
    "api_availability",
    "airflow",
}


@pytest.mark.parametrize("rule", NAMES)
def test_every_rule_has_a_group_of_several_or_is_its_own(rule: str) -> None:
    assert group_of(rule) in {*_GROUPS, rule}


def test_no_name_is_given_twice() -> None:
    assert len(NAMES) == len(set(NAMES))
    assert not _GROUPS & set(NAMES)


def test_causes_are_rules_of_the_list() -> None:
    assert {cause for rule in NAMES for cause in causes_of(rule)} <= set(NAMES)


@pytest.mark.parametrize("rule", NAMES)
def test_no_cause_is_a_consequence_itself(rule: str) -> None:
    assert [causes_of(cause) for cause in causes_of(rule)] == [()] * len(causes_of(rule))


@pytest.mark.parametrize(
    ("rule", "subject", "group"),
    [
        ("task_failed", "ozon_etl.product_etl", "loads"),
        ("task_failed", "ozon_health_check.summarize", "task_failed"),
        ("task_failed", "ozon_etl_of_somebody_else.load", "task_failed"),
        ("run_deadline", "ozon_etl", "slow"),
        ("run_deadline", "ozon_maintenance", "run_deadline"),
    ],
)
def test_a_failed_task_or_a_late_run_belongs_to_what_its_dag_does(rule: str, subject: str, group: str) -> None:
    assert group_of(rule, subject) == group


def test_a_failed_task_follows_only_from_what_it_says_itself() -> None:
    assert causes_of("task_failed", "ozon_etl.product_etl") == ()
    assert causes_of("task_failed", "ozon_etl.product_etl", ["api_reachable"]) == ("api_reachable",)


@pytest.mark.parametrize(
    ("subject", "follows_from_warehouse", "follows_from_api"),
    [("runs", True, False), ("api", True, True), ("airflow", False, False), ("visibility", True, False)],
)
def test_what_could_not_be_measured_follows_from_what_its_area_needs(
    subject: str, follows_from_warehouse: bool, follows_from_api: bool
) -> None:
    causes = causes_of("unmeasured", subject)

    assert ("warehouse_reachable" in causes) is follows_from_warehouse
    assert ("api_reachable" in causes) is follows_from_api
