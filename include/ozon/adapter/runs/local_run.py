"""A run of ``ozon_etl`` in this process, like `airflow dags test`, that a signal can stop at any moment."""

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


def run_here(params: Mapping[str, Any], interruption: Interruption, on_start: Callable[[str], None]) -> str:
    """Run the DAG to its end, and return the run's id; ``on_start`` is called with it before the first task.

    Has to run in the main thread, because the tasks set signal handlers. Raise ConfigurationError if Airflow does not
    find the DAG, and RetriableError if its metadata database goes away.
    """
    dag = _dag()
    moment = datetime.now(tz=UTC)
    run_id = DagRun.generate_run_id(run_type=DagRunType.MANUAL, logical_date=moment, run_after=moment)
    on_start(run_id)
    with _stopping(interruption, run_id), translated_errors():
        dag.test(logical_date=moment, run_after=moment, run_conf=dict(params))
    return run_id


def logs_folder() -> Path:
    """Return Airflow's log folder."""
    return Path(conf.get("logging", "base_log_folder"))


@providers_configuration_loaded
def _dag() -> DAG:
    # As in `airflow dags test`. Creating a run needs the deadline's reference, which is in a plugin.
    ensure_plugins_loaded()
    understand_serialized_deadlines()
    try:
        return get_bagged_dag(bundle_names=None, dag_id=dags.ETL)
    except AirflowException:
        folder = conf.get("core", "dags_folder")
        raise ConfigurationError(
            f"Airflow finds no DAG {dags.ETL} in {folder}. Set AIRFLOW__CORE__DAGS_FOLDER to this project's folder "
            "dags; if that is the folder, `ozon schedule validate` shows why Airflow cannot read it."
        ) from None


@contextmanager
def _stopping(interruption: Interruption, run_id: str) -> Iterator[None]:
    """Let a signal end the run: no further component starts, and none waits for a retry.

    The teardowns still run. Without this, a signal between two tasks is lost: Airflow's handler only calls
    ``on_kill``, and signals are not checked while it waits for a retry.
    """
    is_over = threading.Event()

    def stop() -> None:
        interruption.happened.wait()
        cancel_process()
        while not is_over.wait(_STOP_SECONDS):
            # Airflow's loop polls every second; this is repeated, too, in case the database is down for a moment.
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
