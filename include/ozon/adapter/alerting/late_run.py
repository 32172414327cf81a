"""Deadline callback, in the triggerer: checks whether the run is late, and notifies people of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from airflow.sdk.configuration import conf
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from include.ozon.adapter.alerting.sender import deliver
from include.ozon.adapter.alerting.state import paused_dags
from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.configuration import load_settings
from include.ozon.errors import OzonError, WarehouseUnavailableError, safe_text
from include.ozon.monitoring.alerts.model import Event
from include.ozon.monitoring.deadlines import (
    AccountLoad,
    LateRun,
    late_run,
    late_run_event,
    read_loads,
    reason_for_silence,
)
from include.ozon.monitoring.health.warehouse import WAREHOUSE_REACHABLE
from include.ozon.monitoring.unchecked import RUN_DEADLINE
from include.ozon.settings import Settings, dags
from include.ozon.translation import N_
from include.ozon.warehouse.session import open_session

logger = logging.getLogger("ozon.deadlines")


def notify_of_late_run(context: Mapping[str, Any]) -> str:
    """Notify people of a late run, unless nobody waits for it; return a sentence on what was done.

    Raises nothing: Airflow would only keep a row and a traceback that nobody sees.
    """
    try:
        done = _notify(context)
    except Exception as error:
        dag_run = context.get("dag_run", {})
        run = f"run {dag_run.get('dag_run_id')} of {dag_run.get('dag_id')}"
        done = f"Nobody could be notified of the missed deadline of {run}: {safe_text(error)}"
        logger.error("%s", done)
        return done
    logger.info("%s", done)
    return done


def _notify(context: Mapping[str, Any]) -> str:
    dag_run = context["dag_run"]
    run = late_run(dag_run, context["deadline"])
    settings = load_settings()
    limits = RUN_DEADLINE.limits_in(settings)
    silence = reason_for_silence(run, _paused_dags()) if limits.enabled else f"{RUN_DEADLINE.key} is not enabled"
    if silence:
        return f"No notification of run {run.run_id} of {run.dag_id}: {silence}."
    sent = deliver(events=[_event(_as_it_is_now(run), dag_run.get("conf") or {}, settings)])
    return f"Run {run.run_id} of {run.dag_id} has missed its deadline. {sent.describe()}"


def run_address(dag_id: str, run_id: str) -> str:
    """Return the address of the run's page in Airflow."""
    return f"{conf.get('api', 'base_url').rstrip('/')}/dags/{dag_id}/runs/{quote(run_id, safe=':+')}"


def _event(run: LateRun, params: Mapping[str, Any], settings: Settings) -> Event:
    # The only DAG whose work is recorded by account.
    accounts = (params.get("accounts") or list(settings.accounts)) if run.dag_id == dags.ETL else []
    loads: list[AccountLoad] = []
    notes: tuple[str, ...] = ()
    caused_by: tuple[str, ...] = ()
    try:
        with open_session(warehouse_connect(settings.warehouse), settings.warehouse, "ozon_deadlines") as connection:
            loads = read_loads(connection, run, accounts)
    except OzonError as error:
        notes = (
            N_(
                "It is not known what is running for each account: the warehouse cannot be reached. {error}",
                error=str(error),
            ),
        )
        caused_by = (WAREHOUSE_REACHABLE.name,) if isinstance(error, WarehouseUnavailableError) else ()
    return late_run_event(
        run,
        loads=loads,
        tasks=_tasks(run),
        notes=notes,
        caused_by=caused_by,
        level=RUN_DEADLINE.limits_in(settings).level,
        link=run_address(run.dag_id, run.run_id),
        now=datetime.now(tz=UTC),
        settings=settings,
    )


def _as_it_is_now(run: LateRun) -> LateRun:
    """Return the run in its present state, or as it was if Airflow does not answer.

    The triggerer may have been down since.
    """
    try:
        state = RuntimeTaskInstance.get_dagrun_state(run.dag_id, run.run_id)
        return replace(run, state=str(getattr(state, "value", state)))
    except Exception as error:
        logger.info("The run's present state could not be asked for (%s).", type(error).__name__)
        return run


def _tasks(run: LateRun) -> dict[str, str | None]:
    try:
        states = RuntimeTaskInstance.get_task_states(run.dag_id, run_ids=[run.run_id])
        return dict(states.get(run.run_id, {}))
    except Exception as error:
        logger.info("The states of the run's tasks could not be asked for (%s).", type(error).__name__)
        return {}


def _paused_dags() -> list[str]:
    """Return none if the health check has noted none, or its note cannot be read: better one mail too many."""
    try:
        return paused_dags()
    except Exception as error:
        logger.info("Which DAGs are paused could not be asked for (%s).", type(error).__name__)
        return []
