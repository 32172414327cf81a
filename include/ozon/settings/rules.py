"""Rules: what is measured, from which value on it is worth a warning or critical, and who is told.

A rule has the name of the check or metric that it judges, in the configuration, in ``health_checks`` and in ``alerts``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from include.ozon.settings.base import Section

AlertLevel = Literal["warning", "critical"]
Limit = Annotated[float, Field(ge=0)]

_COUNT_FLOOR = "Below this many of them nothing is said: three of ten products are no trend."


class Rule(Section):
    enabled: bool = Field(default=True, description="Whether it is judged at all; a rule that is off is always ok.")
    cooldown_minutes: int = Field(
        default=0,
        ge=0,
        le=10_080,
        description="An alert that lasts is repeated after so long; 0 takes `alerts.cooldown_minutes`.",
    )
    channels: list[str] = Field(
        default=[], description="The names of the channels that are told; none named means all of them."
    )


class StateRule(Rule):
    """Something is as it should be, or not."""

    level: AlertLevel = Field(default="critical", description="How bad it is when it is not as it should be.")


class AboveRule(Rule):
    """A value that becomes worse as it grows: above a limit, not at it."""

    warning: Limit = Field(description="Above this it is worth a warning.")
    critical: Limit = Field(description="Above this it is critical; the same as `warning` leaves the warning out.")


class BelowRule(Rule):
    """A value that becomes worse as it shrinks: below a limit, not at it."""

    warning: Limit = Field(description="Below this it is worth a warning.")
    critical: Limit = Field(description="Below this it is critical; the same as `warning` leaves the warning out.")


class AboveShareRule(AboveRule):
    min_count: int = Field(default=10, ge=0, description=_COUNT_FLOOR)


class BelowShareRule(BelowRule):
    min_count: int = Field(default=10, ge=0, description=_COUNT_FLOOR)


def _state(level: AlertLevel, description: str) -> StateRule:
    rule: StateRule = Field(default=StateRule(level=level), description=description)
    return rule


def _above(warning: float, critical: float, description: str) -> AboveRule:
    rule: AboveRule = Field(default=AboveRule(warning=warning, critical=critical), description=description)
    return rule


def _below(warning: float, critical: float, description: str) -> BelowRule:
    rule: BelowRule = Field(default=BelowRule(warning=warning, critical=critical), description=description)
    return rule


def _above_share(warning: float, critical: float, description: str, min_count: int = 10) -> AboveShareRule:
    default = AboveShareRule(warning=warning, critical=critical, min_count=min_count)
    rule: AboveShareRule = Field(default=default, description=description)
    return rule


def _below_share(warning: float, critical: float, description: str, min_count: int = 10) -> BelowShareRule:
    default = BelowShareRule(warning=warning, critical=critical, min_count=min_count)
    rule: BelowShareRule = Field(default=default, description=description)
    return rule


class RulesSettings(Section):
    """Every rule, by the component of the health check that measures it; the last groups are not its."""

    # warehouse
    warehouse_reachable: StateRule = _state("critical", "The warehouse can be connected to.")
    warehouse_response_seconds: AboveRule = _above(0.5, 5, "How long connecting and a small query take.")
    warehouse_writable: StateRule = _state("critical", "The warehouse takes writes, and is no standby.")
    warehouse_schema: StateRule = _state("critical", "Schema, tables, columns and indexes are as migrated.")
    warehouse_connections_pct: AboveRule = _above(80, 95, "The share of PostgreSQL's connections in use.")
    warehouse_size_gb: AboveRule = _above(100, 500, "The size of the warehouse's database.")
    warehouse_growth_pct: AboveRule = _above(30, 100, "How much it grew in a day.")
    long_transaction_minutes: AboveRule = _above(15, 60, "The oldest transaction that could block a merge or VACUUM.")
    dead_rows_pct: AboveRule = _above(40, 80, "The share of dead rows in the worst table (bloat).")
    # runs
    failures_in_a_row: AboveRule = _above(0, 2, "How many workflows of an account failed one after the other.")
    failure_rate_pct: AboveShareRule = _above_share(
        25, 50, "The share of an account's workflows that failed in 24 hours; `min_count` is of workflows.", min_count=4
    )
    duration_ratio: AboveRule = _above(3, 6, "A component's last duration against its usual one (the median).")
    missed_schedule_minutes: AboveRule = _above(30, 120, "For how long a load has been due that nobody started.")
    killed_attempt: StateRule = _state("warning", "No attempt is recorded as running whose lock nobody holds.")
    lock_held_minutes: AboveRule = _above(120, 300, "For how long an account has been locked.")
    peak_memory_mb: AboveRule = _above(500, 1000, "The memory of the last attempt of a component.")
    # data
    orphaned_inventory_pct: AboveShareRule = _above_share(1, 10, "The share of inventory whose product is unknown.")
    products_without_inventory_pct: AboveShareRule = _above_share(
        10, 50, "The share of the products that are on sale or ready for it and have no inventory."
    )
    impossible_stock: AboveRule = _above(0, 100, "Stocks below zero, or with more reserved than present.")
    row_count_change_pct: AboveShareRule = _above_share(
        20, 50, "How far the number of products is from the usual one for that hour.", min_count=50
    )
    # api
    api_reachable: StateRule = _state("critical", "The Seller API answers.")
    api_key: StateRule = _state("critical", "Ozon accepts the account's key.")
    api_key_expires_days: BelowRule = _below(14, 3, "In how many days the account's key expires.")
    api_methods: StateRule = _state("critical", "The key may call every method that the load needs.")
    api_error_rate_pct: AboveShareRule = _above_share(
        5, 25, "The share of requests in 24 hours that had to be repeated; `min_count` is of requests.", min_count=20
    )
    api_rate_limited_pct: AboveShareRule = _above_share(
        5,
        25,
        "The share of requests in 24 hours that got a 429; `min_count` is of requests.",
        min_count=20,
    )
    # airflow
    airflow_reachable: StateRule = _state("critical", "Airflow's API server answers.")
    airflow_scheduler: StateRule = _state("critical", "The scheduler's heart beats.")
    airflow_triggerer: StateRule = _state("critical", "The triggerer's heart beats; without it no deadline is noticed.")
    airflow_dag_processor: StateRule = _state("critical", "The DAG processor's heart beats.")
    airflow_import: StateRule = _state("critical", "All DAGs of this package are known and can be imported.")
    airflow_paused: StateRule = _state("warning", "None of them is paused.")
    # machine
    disk_used_pct: AboveRule = _above(85, 95, "How full the fullest disk is that this package writes to.")
    memory_used_pct: AboveRule = _above(90, 97, "How much of the machine's memory is in use.")
    load_per_cpu: AboveRule = _above(4, 10, "The load average of 15 minutes, for each processor.")
    log_size_gb: AboveRule = _above(5, 20, "The size of all log files.")
    log_files: AboveRule = _above(50_000, 200_000, "The number of log files.")
    staging_leftover_hours: AboveRule = _above(24, 168, "The age of the oldest staging that no run uses any more.")
    # visibility metrics
    visible_share_pct: BelowShareRule = _below_share(40, 20, "The share of the products that customers can see.")
    visible_share_drop_points: AboveShareRule = _above_share(
        10, 25, "How far the visible share is below the usual one at that hour, in points of a per cent.", min_count=30
    )
    turned_invisible_pct: AboveShareRule = _above_share(
        10, 25, "The share of the visible products that have turned invisible since the last run."
    )
    hidden_with_stock_pct: AboveShareRule = _above_share(
        30, 60, "The share of the products in stock that customers cannot see."
    )
    visibility_coverage_pct: BelowShareRule = _below_share(
        95, 80, "The share of the products whose visibility is known."
    )
    quality_score: BelowRule = _below(80, 60, "The data quality's score, from 0 to 100.")
    # what is no measurement
    run_deadline: StateRule = _state("critical", "Runs end within `deadlines`.")
    task_failed: StateRule = _state("critical", "No task of this package has failed for good.")
    unmeasured: StateRule = _state("warning", "Every check could be measured.")
    channel_failed: StateRule = _state("warning", "Every channel delivers.")
