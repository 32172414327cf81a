"""Maintenance with Airflow's metadata database and connections, and a bucket."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from airflow.utils.db_cleanup import config_dict
from fsspec.implementations.memory import MemoryFileSystem

from include.ozon.adapter.tasks import maintenance as maintenance_tasks
from include.ozon.adapter.tasks.maintenance import Job, give_verdict, perform, sum_up
from include.ozon.errors import ConfigurationError, ConnectionSettingsError, FatalError
from include.ozon.maintenance import metadata
from include.ozon.maintenance.metadata import clean_metadata
from include.ozon.maintenance.steps import STEPS, Outcome
from include.ozon.settings.maintenance import MaintenanceSettings
from tests.conftest import MakeEnvironment
from tests.integration.ozon.maintenance.conftest import NOW
from tests.support.airflow_runs import Airflow
from tests.support.pipeline import changed, quick_settings

OLD = "visibility-20200101T000000Z.html"
NEW = "visibility-20261101T000000Z.html"


@pytest.fixture
def airflow(warehouse_dsn: str, make_airflow_environment: MakeEnvironment) -> Airflow:
    return Airflow(make_airflow_environment(warehouse_dsn, SimpleNamespace(accounts={}, base_url="")))


def job(dry_run: bool = False, **settings: Any) -> Job:
    made = quick_settings()
    for section, values in settings.items():
        made = changed(made, section, **values)
    return Job(made, NOW, dry_run, lambda _: None)


@pytest.mark.parametrize("other_dags", [False, True])
def test_airflow_cleans_its_database_with_all_that_we_ask_for(airflow: Airflow, other_dags: bool) -> None:
    settings = MaintenanceSettings(other_dags=other_dags)

    outcome = clean_metadata(
        settings, ["ozon_etl"], airflow.environment, datetime.now(UTC), timeout_seconds=60, dry_run=False
    )

    assert (outcome.status, outcome.rows) == ("done", 0)


def test_airflow_knows_the_tables_that_we_name() -> None:
    """If this fails after an upgrade of Airflow: see `airflow db clean --help` for the tables it has now."""
    assert set(metadata._TABLES_OF_ALL) <= set(config_dict)
    assert "dag" not in metadata._TABLES_OF_ALL


def test_airflows_error_is_quoted_without_an_address(airflow: Airflow) -> None:
    environment = {**airflow.environment, metadata.SQL_ALCHEMY_CONN: "nothing://u:secret-word@nowhere/x"}

    with pytest.raises(FatalError, match="`airflow db clean` failed") as refused:
        clean_metadata(
            MaintenanceSettings(), ["ozon_etl"], environment, datetime.now(UTC), timeout_seconds=60, dry_run=True
        )
    assert "secret-word" not in str(refused.value)


def test_where_airflow_hides_its_database_the_step_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(metadata.SQL_ALCHEMY_CONN, "airflow-db-not-allowed:///")

    outcome = perform("metadata", job())

    assert outcome.status == "skipped"
    assert "maintenance.metadata_connection" in outcome.message


def test_a_connection_that_is_named_leads_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}

    def cleaning(settings: Any, dag_ids: Any, environment: dict[str, str], now: Any, **options: Any) -> Outcome:
        given.update(environment)
        return Outcome("metadata")

    monkeypatch.setattr(metadata, "clean_metadata", cleaning)
    monkeypatch.setenv(metadata.SQL_ALCHEMY_CONN, "airflow-db-not-allowed:///")
    monkeypatch.setenv("AIRFLOW__CORE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    monkeypatch.setenv("AIRFLOW_CONN_META", "postgres://user:p%40ss@db:5433/airflow?sslmode=verify-full")

    perform("metadata", job(maintenance={"metadata_connection": "meta"}))

    assert given[metadata.SQL_ALCHEMY_CONN] == "postgresql+psycopg2://user:p%40ss@db:5433/airflow?sslmode=verify-full"
    assert "AIRFLOW__CORE__SQL_ALCHEMY_CONN" not in given


def test_a_connection_of_another_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_META", "http://somewhere")
    with pytest.raises(ConnectionSettingsError, match="expected type postgres, found http"):
        perform("metadata", job(maintenance={"metadata_connection": "meta"}))


def test_task_logs_of_others_below_the_dag_processors_folder_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tasks = tmp_path / "logs" / "tasks"
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tasks))
    monkeypatch.setenv("AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY", str(tasks.parent))
    ours, of_others = (tasks / f"dag_id={dag_id}" / "attempt=1.log" for dag_id in ("ozon_etl", "somebody_elses"))
    for file in (ours, of_others):
        file.parent.mkdir(parents=True)
        file.write_text("x")
        os.utime(file, (0, 0))

    perform("logs", job())

    assert (ours.exists(), of_others.exists()) == (False, True)


@pytest.mark.parametrize("dry_run", [True, False])
def test_old_reports_in_a_bucket_go(dry_run: bool) -> None:
    attach("memory", fs=MemoryFileSystem())
    bucket = ObjectStoragePath("memory://bucket/reports")
    kept = [NEW, f"main/{NEW}", "main/notes.html", f"main/deeper/{OLD}"]
    for name in (OLD, f"main/{OLD}", *kept):
        (bucket / name).parent.mkdir(parents=True, exist_ok=True)
        (bucket / name).write_bytes(b"report")

    outcome = perform("reports", job(dry_run, reports={"folder": "memory://bucket/reports"}))

    assert (outcome.files, outcome.bytes) == (2, 12)
    assert (bucket / OLD).exists() == (bucket / "main" / OLD).exists() == dry_run
    assert all((bucket / name).exists() for name in kept)


def test_a_bucket_that_nothing_can_reach_is_one_sentence_without_its_address() -> None:
    with pytest.raises(ConfigurationError, match=r"correct reports\.folder") as refused:
        perform("reports", job(reports={"folder": "nowhere://key:secret-word@bucket/reports"}))
    assert "secret-word" not in str(refused.value)


def test_the_sum_names_the_steps_that_failed_and_the_verdict_is_red() -> None:
    done = [Outcome(step, files=2, bytes=10) for step in STEPS if step not in ("history", "logs")]
    failed = replace(done[0], step="logs", status="failed", message="1 file cannot be deleted.")

    names = sum_up([outcome.as_dict() for outcome in [*done, failed]] + [None])

    assert names == ["logs", "history"]
    with pytest.raises(Exception, match="These steps of maintenance failed: logs, history"):
        give_verdict(names)
    give_verdict([])


def test_there_is_work_for_each_step() -> None:
    assert tuple(maintenance_tasks._WORK) == STEPS
