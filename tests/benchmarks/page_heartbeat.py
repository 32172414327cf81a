"""The heartbeat of a real Airflow's scheduler, alone and while many people read the page in its API server."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import copy

import psycopg

from include.ozon_local.airflow import airflow_environment, migrate, sign_in
from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.home import ROOT, LocalHome
from include.ozon_local.postgres import AIRFLOW_ROLE, EmbeddedPostgres
from tests.benchmarks.page_readers import people_reading
from tests.support.airflow_stack import AirflowStack

_DATABASE = "metadata"
_MEASURED_SECONDS = 60.0
_HEARTBEATS = "SELECT latest_heartbeat FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'"


def longest_gaps(
    postgres: EmbeddedPostgres, warehouse_dsn: str, folder: Path, paths: Sequence[str]
) -> tuple[float, float]:
    """Return the longest seconds between two heartbeats, first alone, then while people read ``paths``."""
    home = folder / "airflow"
    (home / "dags").mkdir(parents=True)
    copy(ROOT / "dags" / "ozon_health_check.py", home / "dags")
    postgres.create_database(_DATABASE, AIRFLOW_ROLE)
    dsn = postgres.dsn(_DATABASE, AIRFLOW_ROLE)
    migrate(dsn, os.environ | airflow_environment(home, dsn))
    variables = {WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn), "OZON_ENV": "testing"}
    user, password = sign_in(LocalHome(home))
    with AirflowStack(home, dsn, variables, ("api-server", "scheduler", "dag-processor")) as airflow:
        token = airflow.call("POST", "/auth/token", username=user, password=password)["access_token"]
        alone = _longest_gap(dsn)
        with people_reading(f"{airflow.url}/ozon", paths, {"_token": token}):
            return alone, _longest_gap(dsn)


def _longest_gap(dsn: str) -> float:
    seen = []
    deadline = time.monotonic() + _MEASURED_SECONDS
    with psycopg.connect(dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            seen += [at for (at,) in connection.execute(_HEARTBEATS) if at not in seen[-1:]]
            time.sleep(0.2)
    return max((later - earlier).total_seconds() for earlier, later in itertools.pairwise(seen))
