"""What each rule's alert is called in a subject line, and what to do about it."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from include.ozon.pipeline.components import COMPONENTS


class Advice(NamedTuple):
    """``title`` is what is wrong, in a few words; ``next_step`` one sentence on what to do."""

    title: str
    next_step: str


_LOOK_AT_POSTGRESQL = "Look at what runs in pg_stat_activity, and at PostgreSQL's own log."
_LOOK_AT_RUNS = "`ozon runs` names the error; docs/runbook.md says what to do about each class of error."
_LOOK_AT_REPORT = "`ozon visibility` names the products; correct what Ozon objects to in the seller's cabinet."

_ADVICE: dict[str, Advice] = {
    "warehouse_reachable": Advice(
        "the warehouse cannot be reached",
        "Check that PostgreSQL runs, and host, port and password of the connection ozon_warehouse. Loads try again.",
    ),
    "warehouse_response_seconds": Advice("the warehouse answers slowly", _LOOK_AT_POSTGRESQL),
    "warehouse_writable": Advice(
        "the warehouse takes no writes",
        "Check that ozon_warehouse points at the primary and that its role owns the schemas ozon and ozon_staging.",
    ),
    "warehouse_schema": Advice(
        "the warehouse's schema is not as migrated", "Run `ozon db status`, then `ozon db upgrade`."
    ),
    "warehouse_connections_pct": Advice(
        "PostgreSQL's connections run out", "Find out who holds them in pg_stat_activity, or raise max_connections."
    ),
    "warehouse_size_gb": Advice("the warehouse has grown large", "Shorten the retention of history, or add storage."),
    "warehouse_growth_pct": Advice(
        "the warehouse grows unusually fast", "Find the table that grew with `\\dt+ ozon.*` in psql."
    ),
    "long_transaction_minutes": Advice("a transaction stays open", _LOOK_AT_POSTGRESQL),
    "dead_rows_pct": Advice(
        "a table holds many dead rows", "Run VACUUM on it, and end transactions that stay open: they hold VACUUM back."
    ),
    "failures_in_a_row": Advice("loads fail", _LOOK_AT_RUNS),
    "failure_rate_pct": Advice("many loads fail", _LOOK_AT_RUNS),
    "duration_ratio": Advice(
        "a load takes unusually long", "`ozon runs` shows whether it waited for the API (retries) or for the warehouse."
    ),
    "missed_schedule_minutes": Advice(
        "a load that was due did not start", "Check that Airflow's scheduler runs and that ozon_etl is not paused."
    ),
    "killed_attempt": Advice(
        "a load was killed", "Look for a lack of memory or a restart at that time; the next run closes its record."
    ),
    "lock_held_minutes": Advice(
        "an account stays locked", "Look at the run that holds it; if it hangs, mark its task as failed in Airflow."
    ),
    "peak_memory_mb": Advice(
        "a load takes much memory", "Lower api.concurrent_requests, or give the worker more memory."
    ),
    "orphaned_inventory_pct": Advice(
        "there is stock of unknown products",
        "Run ozon_etl once more; if it stays, compare the products with Ozon's list.",
    ),
    "products_without_inventory_pct": Advice(
        "products have no stock record",
        "Look whether inventory_etl rejected items: `SELECT * FROM ozon.rejected_items`.",
    ),
    "impossible_stock": Advice(
        "there is impossible stock", "Compare the named products with the seller's cabinet, and tell Ozon's support."
    ),
    "row_count_change_pct": Advice(
        "the number of products has jumped",
        "Check the seller's cabinet: somebody may have removed products, or added many.",
    ),
    "api_reachable": Advice(
        "the Seller API does not answer", "Wait: loads try again. If it lasts, check network, proxy and Ozon's status."
    ),
    "api_key": Advice(
        "Ozon refuses the key",
        "Make a new key in the seller's cabinet and put it into the connection ozon_api_<account>: docs/runbook.md.",
    ),
    "api_key_expires_days": Advice(
        "the key expires soon",
        "Make a new key in the seller's cabinet and put it into the connection ozon_api_<account>: docs/runbook.md.",
    ),
    "api_methods": Advice(
        "the key may not call what the load needs", "Give the key the missing roles in the seller's cabinet."
    ),
    "api_error_rate_pct": Advice("the Seller API often fails", "Wait; if it lasts, check network and proxy."),
    "api_rate_limited_pct": Advice(
        "Ozon limits the requests", "Look for other programs with this Client-Id, or lower api.requests_per_second."
    ),
    "airflow_reachable": Advice("Airflow's API server does not answer", "Check that it runs, and api.base_url."),
    "airflow_scheduler": Advice("Airflow's scheduler does not run", "Start it again and look at the end of its log."),
    "airflow_triggerer": Advice(
        "Airflow's triggerer does not run", "Start it again: without it no missed deadline is noticed."
    ),
    "airflow_dag_processor": Advice("Airflow's DAG processor does not run", "Start it again and look at its log."),
    "airflow_import": Advice(
        "a DAG cannot be imported",
        "`airflow dags list-import-errors` shows why; `ozon config validate` checks settings.",
    ),
    "airflow_paused": Advice("a DAG is paused", "Unpause it in Airflow, or leave it and acknowledge this."),
    "disk_used_pct": Advice("a disk fills up", "Delete what is old: logs and reports first; or add storage."),
    "memory_used_pct": Advice("memory runs out", "Find what takes it; lower Airflow's parallelism if it is the load."),
    "load_per_cpu": Advice("the machine is overloaded", "Find what takes it, and move it or give the machine more."),
    "log_size_gb": Advice("logs take much space", "Delete old ones, or shorten their retention."),
    "log_files": Advice("there are very many log files", "Delete old ones, or shorten their retention."),
    "staging_leftover_hours": Advice("staging was left behind", "The account's next run drops it; start one."),
    "visible_share_pct": Advice("few products are visible", _LOOK_AT_REPORT),
    "visible_share_drop_points": Advice("fewer products are visible than usual", _LOOK_AT_REPORT),
    "turned_invisible_pct": Advice("products vanished from sight", _LOOK_AT_REPORT),
    "hidden_with_stock_pct": Advice("products in stock are hidden", _LOOK_AT_REPORT),
    "visibility_coverage_pct": Advice(
        "the visibility of products is unknown",
        "Ozon may have a new status: product_etl's log names it; an upgrade of this package may know it.",
    ),
    "quality_score": Advice("the quality of the data is low", "`ozon visibility` shows the score's parts."),
    "run_deadline": Advice("a run missed its deadline", "Look at the run; if it hangs, mark its task as failed."),
    "task_failed": Advice(
        "a task failed", "Its log's last error says in one sentence what to do; then clear the task."
    ),
    "unmeasured": Advice(
        "checks could not be measured", "The log of `check` in ozon_health_check says what broke them."
    ),
    "channel_failed": Advice("alerts do not get through", "Check the channel's connection in Airflow."),
}
for _component in COMPONENTS:
    _ADVICE[f"{_component.name}_minutes"] = Advice(
        f"{_component.name} takes too long", "Look at the log of its task; if it hangs, mark it as failed."
    )
    _ADVICE[f"{_component.name}_age_hours"] = Advice(f"{_component.title} out of date", _LOOK_AT_RUNS)
ADVICE = MappingProxyType(_ADVICE)
