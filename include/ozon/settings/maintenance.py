"""The settings of `ozon_maintenance`: retention and clean-up."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from include.ozon.settings.base import Section

Days = Annotated[int, Field(ge=1, le=36_500)]
# Reports compare with a month ago, so their data must be kept for longer.
HistoryDays = Annotated[int, Field(ge=31, le=36_500)]


class MaintenanceSettings(Section):
    task_logs_days: Days = Field(default=30, description="Task logs are removed this long after their last line.")
    scheduler_logs_days: Days = Field(
        default=7, description="The same for the logs of scheduler, DAG processor and triggerer."
    )
    logs_max_mb: int = Field(
        default=2048,
        ge=1,
        description="If all these logs together are larger, the oldest are removed first, but none of the last hour.",
    )
    reports_days: Days = Field(default=365, description="Reports in `reports.folder` are removed after this time.")
    history_days: HistoryDays = Field(
        default=730,
        description="History of products and stock that ended before this time is removed; current values are kept.",
    )
    metrics_days: HistoryDays = Field(default=730, description="How long `visibility_metrics` are kept.")
    health_checks_days: Annotated[int, Field(ge=7, le=36_500)] = Field(
        default=90, description="How long results of health checks are kept."
    )
    alerts_days: Days = Field(default=365, description="How long an alert is kept after it was resolved.")
    records_days: HistoryDays = Field(
        default=365,
        description="How long records of workflows and their components are kept; an account's last ones are always "
        "kept.",
    )
    rejected_items_days: Days = Field(
        default=90, description="How long rejected items are kept; never longer than their workflow's record."
    )
    metadata_days: Annotated[int, Field(ge=7, le=36_500)] = Field(
        default=90, description="How long Airflow's metadata database keeps runs, tasks and its own log."
    )
    metadata_connection: str = Field(
        default="",
        description="The Airflow connection (postgres) of the metadata database, which Airflow hides from tasks; "
        "without it only `ozon maintenance` cleans that database.",
    )
    other_dags: bool = Field(
        default=False,
        description="Also clean the task logs and metadata of other packages' DAGs: for an Airflow that nobody else "
        "uses.",
    )
    batch_rows: int = Field(
        default=5000, ge=10, le=100_000, description="The largest number of warehouse rows that one statement deletes."
    )
