"""Which alerts are notified together, and of which rules they are mere consequences.

A rule says it of itself. Here is what depends on an alert's subject, too: it begins with the DAG where the rule is
about a task or a run, and is the area for checks that could not be measured. The reasons are in docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from include.ozon.monitoring.health.airflow import AREA as AIRFLOW
from include.ozon.monitoring.health.api import API_DOWN
from include.ozon.monitoring.health.api import AREA as API
from include.ozon.monitoring.health.attempts import DURATION_RATIO
from include.ozon.monitoring.health.runs import FAILURES_IN_A_ROW
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.rule import Rule
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.monitoring.unchecked import RUN_DEADLINE, TASK_FAILED, UNMEASURED
from include.ozon.settings import dags
from include.ozon.settings.limits import Limits

# A failed task or a late run of the load shows what these rules show; those of other DAGs do not.
_OF_THE_LOAD = MappingProxyType({TASK_FAILED.name: FAILURES_IN_A_ROW, RUN_DEADLINE.name: DURATION_RATIO})


def group_of(rule: str, subject: str = "") -> str:
    """Return the group of an alert; a rule that is no longer known is a group of its own."""
    found = _as_seen(rule, subject)
    return found.group if found else rule


def causes_of(rule: str, subject: str = "", caused_by: Collection[str] = ()) -> tuple[str, ...]:
    """Return the rules of which an alert is a consequence while they are critical, the likeliest first.

    ``caused_by`` is what an event says of itself.
    """
    return tuple(dict.fromkeys((*caused_by, *(cause.name for cause in _general_causes(rule, subject)))))


def _general_causes(rule: str, subject: str) -> tuple[Rule[Limits], ...]:
    # A task knows the error that it failed with: where that is another one, it did not fail for the warehouse.
    if rule == TASK_FAILED.name:
        return ()
    if rule == UNMEASURED.name:
        of_the_warehouse = () if subject == AIRFLOW.name else WAREHOUSE_DOWN
        return (*of_the_warehouse, *(API_DOWN if subject == API.name else ()))
    found = _as_seen(rule, subject)
    return found.inhibited_by if found else ()


def _as_seen(rule: str, subject: str) -> Rule[Limits] | None:
    """Return the rule whose group and causes an alert has."""
    is_of_the_load = subject.partition(".")[0] == dags.ETL
    return (_OF_THE_LOAD.get(rule) if is_of_the_load else None) or RULE_BY_NAME.get(rule)
