"""Airflow's state for the health check, requested from a task or from another process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from airflow.sdk import get_current_context
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowRuntimeError
from sqlalchemy import inspect, select

from include.ozon.adapter.metadata.database import metadata_session
from include.ozon.configuration import load_settings
from include.ozon.diagnosis.airflow_health import HEALTH_PATH, METADATA, parse_health
from include.ozon.errors import RetriableError
from include.ozon.monitoring.health.checks import AirflowProbe, DagState
from include.ozon.settings import Settings
from include.ozon.settings.dags import DAG_IDS

_EXECUTION_PATH = "/execution"
_WHAT_TO_DO = "Check that it runs, and core.execution_api_server_url and api.base_url in Airflow's configuration."


def task_probe(settings: Settings) -> AirflowProbe | None:
    """Return the probe for a task; None in `airflow dags test` if no scheduler has ever run."""
    # Every task has already loaded these.
    from airflow.sdk.execution_time import supervisor, task_runner  # noqa: PLC0415

    if isinstance(task_runner.SUPERVISOR_COMMS, supervisor.InProcessSupervisorComms):
        return process_probe(settings)
    return TaskProbe(settings)


def process_probe(settings: Settings) -> AirflowProbe | None:
    """Return the probe for a process that may use Airflow's metadata database, for example `ozon health`.

    Return None if no scheduler has ever run on that database, because cron or `airflow dags test` is used instead.
    """
    from airflow.jobs.job import Job  # noqa: PLC0415 - not available in a task

    a_scheduler = select(Job.id).where(Job.job_type == "SchedulerJob").limit(1)
    try:
        with metadata_session() as session:
            is_there = inspect(session.get_bind()).has_table(Job.__tablename__)
            has_scheduler = is_there and session.scalar(a_scheduler) is not None
    except RetriableError:
        return ProcessProbe(settings)
    return ProcessProbe(settings) if has_scheduler else None


class _Probe:
    def __init__(self, settings: Settings | None = None) -> None:
        self._timeout_seconds = (settings or load_settings()).health.airflow_timeout_seconds

    def heartbeats(self) -> dict[str, tuple[str, datetime | None]]:
        """Return the processes' states, from a public address; one that never ran has neither status nor heartbeat."""
        url = health_url()
        where = f"Airflow's API server at {urlsplit(url).netloc.rpartition('@')[2]}"
        try:
            answer = requests.get(url, timeout=self._timeout_seconds)
            answer.raise_for_status()
        except requests.HTTPError as error:
            raise RetriableError(f"{where} answered with HTTP {error.response.status_code}. {_WHAT_TO_DO}") from None
        except requests.RequestException as error:
            raise RetriableError(f"{where} did not answer ({type(error).__name__}). {_WHAT_TO_DO}") from None
        try:
            found = parse_health(answer.json())
        except (ValueError, TypeError, AttributeError):
            raise RetriableError(f"{where} did not answer with its health. {_WHAT_TO_DO}") from None
        if found.pop(METADATA).status == "unhealthy":
            raise RetriableError(f"{where} cannot reach its metadata database. Check that this database runs.")
        return {name: (process.status, process.beat_at) for name, process in found.items()}


class TaskProbe(_Probe):
    """The probe for a task, which can request only some of Airflow's data, through its supervisor.

    Import errors are not part of it, so this reads the files again, like Airflow before it runs a task: a file that
    cannot be imported here cannot run on a worker like this one.
    """

    def dags(self) -> Sequence[DagState]:
        folder = Path(get_current_context()["dag"].fileloc).parent
        return [self._dag(dag_id, folder / f"{dag_id}.py") for dag_id in DAG_IDS]

    def paused_dag_ids(self) -> list[str]:
        """Return the paused DAGs of this package, without reading their files."""
        return [dag_id for dag_id in DAG_IDS if _is_paused(dag_id)]

    def _dag(self, dag_id: str, file: Path) -> DagState:
        is_paused = _is_paused(dag_id)
        return DagState(
            dag_id=dag_id,
            is_known=is_paused is not None,
            is_paused=bool(is_paused),
            import_error=_import_error(dag_id, file),
        )


class ProcessProbe(_Probe):
    """The probe for a process that may use Airflow's metadata database, where the DAG processor stores its errors."""

    def dags(self) -> Sequence[DagState]:
        from airflow.models.dag import DagModel  # noqa: PLC0415
        from airflow.models.errors import ParseImportError  # noqa: PLC0415

        known = select(DagModel.dag_id, DagModel.is_paused).where(
            DagModel.dag_id.in_(DAG_IDS), DagModel.is_stale.is_(False)
        )
        with metadata_session() as session:
            is_paused = {dag_id: bool(paused) for dag_id, paused in session.execute(known)}
            found = session.execute(select(ParseImportError.filename, ParseImportError.stacktrace)).all()
        errors = {Path(name or "").stem: f"{name}: {error_line(trace or '')}" for name, trace in found}
        return [
            DagState(
                dag_id=dag_id,
                is_known=dag_id in is_paused,
                is_paused=is_paused.get(dag_id, False),
                import_error=errors.get(dag_id),
            )
            for dag_id in DAG_IDS
        ]


def health_url() -> str:
    """Return the API server's health address: at the address for tasks, or else at the one for browsers.

    Inside a cluster, the one for browsers often does not work.
    """
    base_url = str(conf.get("core", "execution_api_server_url", fallback="") or "").rstrip("/")
    if base_url.endswith(_EXECUTION_PATH):
        base_url = base_url.removesuffix(_EXECUTION_PATH)
    else:
        base_url = str(conf.get("api", "base_url", fallback="/") or "/")
    if base_url.startswith("/"):
        base_url = f"http://localhost:8080{base_url}"
    return f"{base_url.rstrip('/')}{HEALTH_PATH}"


def error_line(trace: str) -> str:
    """Return the first line of the error at the end of a traceback."""
    last = trace.rpartition("Traceback (most recent call last):")[2]
    lines = [line for line in last.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[0].strip() if lines else "unknown error"


def _is_paused(dag_id: str) -> bool | None:
    """Return whether a DAG is paused; None if Airflow does not know it."""
    try:
        return bool(get_current_context()["ti"].get_dag(dag_id).is_paused)
    except AirflowRuntimeError as error:
        detail = error.error.detail or {}
        if detail.get("status_code") == 404:
            return None
        # Without the details, which contain the request and its address.
        raise RetriableError(
            f"Airflow's API server did not return the state of {dag_id} ({error.error.error.value})."
        ) from None
    except ServerResponseError as error:  # `airflow dags test` has no supervisor in between
        if error.response.status_code == 404:
            return None
        raise RetriableError(
            f"Airflow did not return the state of {dag_id} (HTTP {error.response.status_code})."
        ) from None


def _import_error(dag_id: str, file: Path) -> str | None:
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - a task has loaded it already

    if not file.is_file():
        return f"{file.name} is missing"
    bag = DagBag(dag_folder=str(file), safe_mode=False, load_op_links=False)
    if trace := next(iter(bag.import_errors.values()), None):
        return f"{file.name}: {error_line(trace)}"
    return None if dag_id in bag.dags else f"{file.name} has no DAG of this id"
