"""``ozon_etl`` in this process, as `airflow dags test` runs it, and ended at any moment it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.models import DagRun, TaskInstance
from airflow.plugins_manager import ensure_plugins_loaded
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException
from airflow.utils.cli import get_bagged_dag
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from airflow.utils.state import TaskInstanceState
from airflow.utils.types import DagRunType
from sqlalchemy import update

from include.ozon.adapter.dags.dags_test_shim import understand_serialized_deadlines
from include.ozon.adapter.metadata.database import metadata_session, translated_errors
from include.ozon.errors import ConfigurationError, RetriableError
from include.ozon.pipeline.cancellation import cancel_process
from include.ozon.pipeline.interruption import Interruption
from include.ozon.settings import dags

_STOP_SECONDS = 0.3


def run_here(params: Mapping[str, Any], interruption: Interruption, begins: Callable[[str], None]) -> str:
    """Run the DAG to its end; returns the run's id, which ``begins`` is told before the first task.

    In the main thread, because the tasks set handlers of signals. Raises ConfigurationError where Airflow does not
    find the DAG, and RetriableError where its metadata database goes away.
    """
    dag = _dag()
    moment = datetime.now(tz=UTC)
    run_id = DagRun.generate_run_id(run_type=DagRunType.MANUAL, logical_date=moment, run_after=moment)
    begins(run_id)
    with _stopping(interruption, run_id), translated_errors():
        dag.test(logical_date=moment, run_after=moment, run_conf=dict(params))
    return run_id


def logs_folder() -> Path:
    """Where Airflow keeps its logs."""
    return Path(conf.get("logging", "base_log_folder"))


@providers_configuration_loaded
def _dag() -> DAG:
    # As `airflow dags test` does. The deadline's reference is a plugin's, and creating a run needs it.
    ensure_plugins_loaded()
    understand_serialized_deadlines()
    try:
        return get_bagged_dag(bundle_names=None, dag_id=dags.ETL)
    except AirflowException:
        folder = conf.get("core", "dags_folder")
        raise ConfigurationError(
            f"Airflow finds no DAG {dags.ETL} in {folder}. Set AIRFLOW__CORE__DAGS_FOLDER to this project's folder "
            "dags; if it is that, `ozon schedule validate` tells what keeps Airflow from reading it."
        ) from None


@contextmanager
def _stopping(interruption: Interruption, run_id: str) -> Iterator[None]:
    """Let a signal end the run: no component begins any more, and none waits for a retry.

    The teardowns are run as ever. Without this, a signal that comes between two tasks is lost: Airflow's handler only
    calls ``on_kill``, and while it waits for a retry nothing looks at signals at all.
    """
    is_over = threading.Event()

    def stop() -> None:
        interruption.happened.wait()
        cancel_process()
        while not is_over.wait(_STOP_SECONDS):
            # Airflow's loop looks again every second; so does this, should the database be away for a moment.
            with suppress(RetriableError):
                _give_up_retries(run_id)

    thread = threading.Thread(target=stop, name="ozon-stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        if interruption.number:
            thread.join(_STOP_SECONDS)


def _give_up_retries(run_id: str) -> None:
    waiting = update(TaskInstance).where(
        TaskInstance.dag_id == dags.ETL,
        TaskInstance.run_id == run_id,
        TaskInstance.state == TaskInstanceState.UP_FOR_RETRY,
    )
    with metadata_session() as session:
        session.execute(waiting.values(state=TaskInstanceState.FAILED))
