"""Common parts of the DAGs: the asset, the defaults of tasks, and the trigger forms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, AssetAlias, Param

from include.ozon.adapter.dags.callbacks import report_failure
from include.ozon.adapter.dags.retry import OzonRetryPolicy
from include.ozon.settings import GuardsSettings, Settings
from include.ozon.settings.monitoring import REPORT_FORMATS

LOADED = Asset("ozon_loaded", uri="x-ozon://warehouse/loaded")
"""The asset by which a load triggers the metrics."""

TABLE_ASSETS = AssetAlias("ozon_tables")
"""The tables that a component has written. Their assets have the warehouse's address, which only a run knows."""


def task_defaults(settings: Settings) -> dict[str, Any]:
    """Return a DAG's ``default_args``: owner, retries with exponential backoff, failure callback."""
    retry = settings.retry
    return {
        "owner": settings.tasks.owner,
        "retries": retry.retries,
        "retry_delay": timedelta(seconds=retry.first_delay_seconds),
        "retry_exponential_backoff": retry.backoff_multiplier,
        "max_retry_delay": timedelta(seconds=retry.max_delay_seconds),
        "retry_policy": OzonRetryPolicy(),
        "on_failure_callback": report_failure,
        "pool": settings.tasks.pool,
        "map_index_template": "{{ shown_name | default('') }}",  # only a mapped task has one
    }


def component_task(name: str, settings: Settings) -> dict[str, Any]:
    """Return the arguments of a component's task: its id, time-out and assets."""
    return {
        "task_id": name,
        "execution_timeout": timedelta(minutes=settings.component(name).timeout_minutes),
        "outlets": [TABLE_ASSETS] if settings.tasks.table_assets else [],
    }


def monitoring_defaults(settings: Settings) -> dict[str, Any]:
    """Return the ``default_args`` of monitoring: one quick retry, because the next run follows soon."""
    return task_defaults(settings) | {
        "retries": 1,
        "retry_delay": timedelta(seconds=5),
        "max_retry_delay": timedelta(minutes=1),
    }


def health_params(settings: Settings) -> dict[str, Param]:
    """Return the parameters of ``ozon_health_check``."""
    return {"checks": _names("The areas to check; all if empty.", list(settings.health.checks))}


def metrics_params(settings: Settings) -> dict[str, Param]:
    """Return the parameters of ``ozon_visibility_metrics``."""
    return {
        "formats": _names("The formats of the report files; those of reports.formats if empty.", list(REPORT_FORMATS)),
        "save_report": Param(default=True, description="Save the report as files.", type="boolean"),
        "send_report": Param(
            default=False,
            description="Also send the daily report, which otherwise only the run by the schedule sends.",
            type="boolean",
        ),
    }


def load_params(settings: Settings) -> dict[str, Param]:
    """Return the parameters of ``ozon_etl``. The form suggests names; the run's first task checks them."""
    return {
        "accounts": _names("The accounts to load; all if empty.", list(settings.accounts)),
        "dry_run": Param(
            default=False,
            description="Read and compare, show what would change, and write nothing.",
            type="boolean",
        ),
        "accept_guard": _names(
            "Guards to ignore in this run, after you have checked what stopped it.",
            list(GuardsSettings.model_fields),
        ),
    }


def _names(description: str, known: list[str]) -> Param:
    return Param(
        default=[],
        description=description,
        type="array",
        items={"type": "string"},
        uniqueItems=True,
        examples=known,
    )
