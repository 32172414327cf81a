"""The list of all rules. The settings, the documentation and the alerts follow from it."""

from __future__ import annotations

from include.ozon.monitoring import unchecked
from include.ozon.monitoring.health.areas import AREAS
from include.ozon.monitoring.metrics import judgement
from include.ozon.monitoring.rule import Rule
from include.ozon.settings.limits import Limits

RULES: tuple[Rule[Limits], ...] = (
    *(rule for area in AREAS for rule in area.rules),
    *judgement.RULES,
    *unchecked.RULES,
)

RULE_BY_NAME = {rule.name: rule for rule in RULES}
GROUPS = tuple(dict.fromkeys(rule.group for rule in RULES))
