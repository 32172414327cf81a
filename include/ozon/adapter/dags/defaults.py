"""What the DAGs have in common: the asset, what the configuration says about tasks, and the trigger forms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, Param

from include.ozon.adapter.dags.callbacks import report_failure
from include.ozon.adapter.dags.retry import OzonRetryPolicy
from include.ozon.settings import GuardsSettings, Settings
from include.ozon.settings.monitoring import REPORT_FORMATS

LOADED = Asset("ozon_loaded", uri="x-ozon://warehouse/loaded")
"""By it a load notifies the metrics that there is something new."""


def task_defaults(settings: Settings) -> dict[str, Any]:
    """A DAG's ``default_args``: owner, retries with exponential backoff, and what happens on a failure."""
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
    """What is a component's own about its task."""
    return {"task_id": name, "execution_timeout": timedelta(minutes=settings.component(name).timeout_minutes)}


def monitoring_defaults(settings: Settings) -> dict[str, Any]:
    """The same for what watches: one quick retry, because the next run is never far."""
    return task_defaults(settings) | {
        "retries": 1,
        "retry_delay": timedelta(seconds=5),
        "max_retry_delay": timedelta(minutes=1),
    }


def health_params(settings: Settings) -> dict[str, Param]:
    """The parameters of ``ozon_health_check``."""
    return {"checks": _names("The areas to check; none named means all.", list(settings.health.checks))}


def metrics_params(settings: Settings) -> dict[str, Param]:
    """The parameters of ``ozon_visibility_metrics``."""
    return {
        "formats": _names(
            "The kinds of report files; none named means those of reports.formats.", list(REPORT_FORMATS)
        ),
        "save_report": Param(default=True, description="Save the report as files.", type="boolean"),
    }


def load_params(settings: Settings) -> dict[str, Param]:
    """The parameters of ``ozon_etl``. Names are suggested by the form and checked by the run's first task."""
    return {
        "accounts": _names("The accounts to load; none named means all of them.", list(settings.accounts)),
        "dry_run": Param(
            default=False,
            description="Read and compare, show what would change, and write nothing.",
            type="boolean",
        ),
        "accept_guard": _names(
            "Guards that let this run through once, after a look at what they saw.",
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
