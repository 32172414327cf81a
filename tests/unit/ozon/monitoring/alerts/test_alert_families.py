"""Which rules are one cause, and which are consequences."""

from __future__ import annotations

import pytest

from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts import families
from include.ozon.monitoring.alerts.families import causes_of, family_of

pytestmark = pytest.mark.unit

RULES = list(load_settings(environment="testing", environ={}).rules_by_name())
_FAMILIES = {
    "warehouse",
    "loads",
    "slow",
    "visibility",
    "api_access",
    "api_availability",
    "airflow",
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_family_of_several_or_is_its_own(rule: str) -> None:
    assert family_of(rule) in {*_FAMILIES, rule}


def test_families_and_causes_name_only_rules_that_exist() -> None:
    named = {rule for rules in families._FAMILIES.values() for rule in rules}
    named |= {*families.NO_MEASUREMENT, *families._FROM_THE_WAREHOUSE, *families._OF_THE_LOAD}
    named |= {cause for rule in RULES for cause in causes_of(rule)}

    assert named <= set(RULES)


def test_no_rule_is_of_two_families() -> None:
    rules = [rule for rules in families._FAMILIES.values() for rule in rules]

    assert len(rules) == len(set(rules))
    assert not set(families._FAMILIES) & set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_no_cause_is_a_consequence_itself(rule: str) -> None:
    assert [causes_of(cause) for cause in causes_of(rule)] == [()] * len(causes_of(rule))


@pytest.mark.parametrize(
    ("rule", "subject", "family"),
    [
        ("task_failed", "ozon_etl.product_etl", "loads"),
        ("task_failed", "ozon_health_check.summarize", "task_failed"),
        ("task_failed", "ozon_etl_of_somebody_else.load", "task_failed"),
        ("run_deadline", "ozon_etl", "slow"),
        ("run_deadline", "ozon_maintenance", "run_deadline"),
    ],
)
def test_a_failed_task_or_a_late_run_belongs_to_what_its_dag_does(rule: str, subject: str, family: str) -> None:
    assert family_of(rule, subject) == family


def test_a_failed_task_follows_only_from_what_it_says_itself() -> None:
    assert causes_of("task_failed", "ozon_etl.product_etl") == ()
    assert causes_of("task_failed", "ozon_etl.product_etl", ["api_reachable"]) == ("api_reachable",)


@pytest.mark.parametrize(
    ("subject", "follows_from_warehouse", "follows_from_api"),
    [("runs", True, False), ("api", True, True), ("airflow", False, False), ("visibility", True, False)],
)
def test_what_could_not_be_measured_follows_from_what_its_component_needs(
    subject: str, follows_from_warehouse: bool, follows_from_api: bool
) -> None:
    causes = causes_of("unmeasured", subject)

    assert ("warehouse_reachable" in causes) is follows_from_warehouse
    assert ("api_reachable" in causes) is follows_from_api
