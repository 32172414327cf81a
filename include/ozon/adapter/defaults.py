"""What the configuration says about every task, and the parameters of the UI's trigger form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param

from include.ozon.adapter.callbacks import log_failure
from include.ozon.adapter.retry import OzonRetryPolicy
from include.ozon.settings import GuardsSettings, Settings


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
        "on_failure_callback": log_failure,
        "pool": settings.tasks.pool,
        "map_index_template": "{{ account | default('') }}",  # only a mapped task has one
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
