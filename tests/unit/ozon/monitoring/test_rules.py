"""The registry of rules."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from include.ozon.configuration import load_settings
from include.ozon.monitoring.health.areas import AREAS
from include.ozon.monitoring.health.checks import Area, HealthContext
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.monitoring.rules import RULES
from include.ozon.settings.limits import Bounds, State

SETTINGS = load_settings(environment="testing", environ={})


def context(**values: Any) -> HealthContext:
    def nobody() -> Any:
        raise AssertionError("nothing is measured")

    return HealthContext(SETTINGS, datetime.now(UTC), nobody, lambda _: nobody(), **values)


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_an_area_has_the_rules_of_its_checks_in_their_order(area: Area, tmp_path: Any) -> None:
    probe: Any = SimpleNamespace(heartbeats=None, dags=None)
    checks = list(area.checks(context(airflow=probe, log_folder=tmp_path)))

    assert tuple(dict.fromkeys(check.rule for check in checks)) == tuple(area.rules)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_all_its_texts(rule: Rule[Any]) -> None:
    assert rule.title
    assert rule.title == rule.title.rstrip(".")
    for sentence in (rule.measures, rule.next_step, rule.meaning, rule.remedy):
        assert sentence.endswith((".", "?")), sentence
    assert isinstance(rule.limits, (Bounds, State))
    assert not any(cause.inhibited_by for cause in rule.inhibited_by), "a cause must not be inhibited itself"


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        (Unit.SHARE, 35.5, "35.5 %"),
        (Unit.CHANGE, 1, "1 %"),
        (Unit.POINTS, 1, "1 percentage point"),
        (Unit.RATIO, 3.25, "3.25 times the usual"),
        (Unit.DAYS, 1, "1 day"),
        (Unit.MINUTES, 0, "0 minutes"),
        (Unit.GB, 1234.5, "1 234.5 GB"),
        (Unit.COUNT, 200_000, "200 000"),
        (Unit.NUMBER, 0.5, "0.5"),
    ],
)
def test_an_amount_has_its_unit(unit: Unit, value: float, shown: str) -> None:
    assert unit.amount(value) == shown
