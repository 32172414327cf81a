"""Which rules show one and the same cause, and of which other rules they are mere consequences.

A family's open alerts of one account are told together, as one incident. Every rule that is not named here is a
family of its own. The reasons are in docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from include.ozon.pipeline.components import COMPONENT_NAMES

UNMEASURED = "unmeasured"
TASK_FAILED = "task_failed"
RUN_DEADLINE = "run_deadline"
CHANNEL_FAILED = "channel_failed"

NO_MEASUREMENT = frozenset({UNMEASURED, TASK_FAILED, RUN_DEADLINE, CHANNEL_FAILED})
"""Rules that no check judges: their alerts come from events, from checks that broke, and from the sending itself."""

_FAMILIES = {
    "warehouse": ("warehouse_reachable", "warehouse_response_seconds", "warehouse_writable", "warehouse_schema"),
    "loads": (
        "failures_in_a_row",
        "failure_rate_pct",
        *(f"{component}_age_hours" for component in COMPONENT_NAMES),
        "missed_schedule_minutes",
        "killed_attempt",
    ),
    "slow": ("duration_ratio", *(f"{component}_minutes" for component in COMPONENT_NAMES), "lock_held_minutes"),
    "visibility": (
        "visible_share_pct",
        "visible_share_drop_points",
        "turned_invisible_pct",
        "hidden_with_stock_pct",
    ),
    "api_access": ("api_key", "api_key_expires_days", "api_methods"),
    "api_availability": ("api_reachable", "api_error_rate_pct", "api_rate_limited_pct"),
    "airflow": (
        "airflow_reachable",
        "airflow_scheduler",
        "airflow_triggerer",
        "airflow_dag_processor",
        "airflow_import",
        "airflow_paused",
    ),
}
_FAMILY_OF = MappingProxyType({rule: family for family, rules in _FAMILIES.items() for rule in rules})

# A failed task or a late run of the load shows what these families show; those of other DAGs do not.
_OF_THE_LOAD = MappingProxyType({TASK_FAILED: "loads", RUN_DEADLINE: "slow"})
_LOADING_DAG = "ozon_etl"

_WAREHOUSE = ("warehouse_reachable", "warehouse_writable", "warehouse_schema")
# Not api_key_expires_days: a key that still works breaks nothing, however soon it expires.
_API = ("api_reachable", "api_key", "api_methods", "api_error_rate_pct", "api_rate_limited_pct")

# What is measured in the warehouse, or only moves when it can be written to.
_FROM_THE_WAREHOUSE = frozenset(
    {
        "orphaned_inventory_pct",
        "products_without_inventory_pct",
        "impossible_stock",
        "row_count_change_pct",
        "staging_leftover_hours",
        "visibility_coverage_pct",
        "quality_score",
    }
)
_NEEDS_NO_WAREHOUSE = "airflow"
_NEEDS_THE_API = "api"


def family_of(rule: str, subject: str = "") -> str:
    """The family of an alert; its subject begins with the DAG where the rule is about a task or a run."""
    if rule in _OF_THE_LOAD and subject.partition(".")[0] == _LOADING_DAG:
        return _OF_THE_LOAD[rule]
    return _FAMILY_OF.get(rule, rule)


def causes_of(rule: str, subject: str = "", caused_by: Collection[str] = ()) -> tuple[str, ...]:
    """The rules of which an alert is a consequence while they are critical, the likeliest first.

    ``caused_by`` is what an event says of itself.
    """
    return tuple(dict.fromkeys((*caused_by, *_general_causes(rule, subject))))


def _general_causes(rule: str, subject: str) -> tuple[str, ...]:
    # A task knows the error that it failed with: where that is another one, it did not fail for the warehouse.
    if rule == TASK_FAILED:
        return ()
    if rule == UNMEASURED:
        of_the_warehouse = () if subject == _NEEDS_NO_WAREHOUSE else _WAREHOUSE
        return (*of_the_warehouse, *(_API if subject == _NEEDS_THE_API else ()))
    family = family_of(rule, subject)
    if family in {"loads", "slow"}:
        return (*_WAREHOUSE, *_API)
    if family == "visibility" or rule in _FROM_THE_WAREHOUSE:
        return _WAREHOUSE
    return ()
