"""The settings of schedules, retries and tasks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from include.ozon.settings.base import Section, Text
from include.ozon.settings.cron import Cron

Minutes = Annotated[int, Field(ge=1, le=1440)]


class ScheduleSettings(Section):
    etl: Cron = Field(default="0 2,8,14,20 * * *", description="When `ozon_etl` runs, in `time_zone`.")
    health: Cron = Field(default="*/15 * * * *", description="When `ozon_health_check` runs.")
    metrics: Cron = Field(
        default="30 9 * * *", description="When `ozon_visibility_metrics` runs, in addition to after each load."
    )
    maintenance: Cron = Field(default="30 3 * * *", description="When `ozon_maintenance` runs.")


class RetrySettings(Section):
    retries: int = Field(default=3, ge=0, le=10, description="How often a failed task is retried.")
    first_delay_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        description="The shortest wait before the first retry; Airflow adds up to the same time at random.",
    )
    backoff_multiplier: float = Field(
        default=2.0,
        ge=1,
        le=10,
        description="Each wait is this many times longer than the one before.",
    )
    max_delay_seconds: int = Field(default=3600, ge=1, le=86_400, description="The upper limit of each wait.")

    def longest_waits_seconds(self) -> list[float]:
        """Return the upper bound of the wait before each retry.

        Airflow waits between m and 2m before try n + 1, with m = first delay x multiplier^(n-1), and never
        longer than the maximum. With the defaults: 600, 1200 and 2400 seconds, 70 minutes in total.
        """
        return [
            min(2 * self.first_delay_seconds * self.backoff_multiplier**n, self.max_delay_seconds)
            for n in range(self.retries)
        ]


class TaskSettings(Section):
    pool: Text = Field(
        default="default_pool",
        description="The Airflow pool of the tasks that call the API; it has to exist in Airflow.",
    )
    owner: Text = Field(default="ozon-etl", description="The owner that Airflow shows for DAGs and tasks.")
    table_assets: bool = Field(
        default=False,
        description="Emit an event of an Airflow asset `postgres://host:port/database/ozon/table` for each table that "
        "a component has written, so that other DAGs can wait for it.",
    )
