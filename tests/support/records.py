"""Records of workflows and attempts, written without a load."""

from __future__ import annotations

from datetime import datetime

import psycopg

_WORKFLOW = """
INSERT INTO ozon.etl_workflow_executions
    (workflow_id, account, dag_run_id, trigger, environment, status, started_at, finished_at)
VALUES (%s, %s, %s, 'manual', 'testing', %s, coalesce(%s, now()), %s) ON CONFLICT DO NOTHING
"""
_ATTEMPT = """
INSERT INTO ozon.etl_component_executions
    (workflow_id, component, attempt, account, status, started_at, finished_at, error)
VALUES (%s, %s, %s, %s, %s, coalesce(%s, now()), %s, %s)
"""


def record_workflow(
    dsn: str,
    dag_run_id: str,
    account: str = "main",
    *,
    status: str = "running",
    started_at: datetime | None = None,
    finished_at: datetime | None = None,
) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = (f"{dag_run_id}/{account}", account, dag_run_id, status, started_at, finished_at)
        connection.execute(_WORKFLOW, row)


def record_attempt(
    dsn: str,
    dag_run_id: str,
    component: str = "product_etl",
    account: str = "main",
    *,
    attempt: int = 1,
    status: str = "running",
    started_at: datetime | None = None,
    finished_at: datetime | None = None,
    error: str | None = None,
) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = (f"{dag_run_id}/{account}", component, attempt, account, status, started_at, finished_at, error)
        connection.execute(_ATTEMPT, row)
