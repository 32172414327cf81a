"""Requirements for every DAG. Each failure's message names the place to fix."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from include.ozon.adapter.dags.callbacks import report_failure
from include.ozon.adapter.dags.retry import OzonRetryPolicy
from include.ozon.configuration import load_settings
from include.ozon_local.home import ROOT
from tests.unit.dags.conftest import DAG_IDS, parsed

SHARED = "pass default_args=task_defaults(SETTINGS) or monitoring_defaults(SETTINGS) to @dag"
# They fail because of a check's result, which another task has notified: no retries and no failure callback.
VERDICTS = {"verdict"}


def working_tasks(dag: DAG) -> list[Any]:
    return [task for task in dag.tasks if task.task_id not in VERDICTS]


def test_every_file_is_parsed_without_errors(dag_bag: DagBag) -> None:
    errors = [f"{file}:\n{error}" for file, error in dag_bag.import_errors.items()]
    assert not errors, "Airflow cannot parse a DAG file:\n" + "\n".join(errors)
    assert sorted(dag_bag.dags) == DAG_IDS
    assert dag_bag.captured_warnings == {}


@pytest.mark.parametrize("environment", ["development", "testing"])
def test_every_file_is_parsed_in_every_environment(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZON_ENV", environment)
    assert parsed().import_errors == {}


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_file_is_wiring_only(dag_id: str) -> None:
    lines = (ROOT / "dags" / f"{dag_id}.py").read_text().splitlines()
    assert len(lines) < 80, (
        f"dags/{dag_id}.py: expected fewer than 80 lines, found {len(lines)}; move code to include/ozon"
    )


def test_it_has_tags_a_page_and_owners(dag: DAG) -> None:
    assert "ozon" in dag.tags, f'{dag.dag_id}: give @dag tags=["ozon", ...], which filter the list in the web UI'
    assert dag.doc_md, f"{dag.dag_id}: give @dag doc_md=__doc__; the page in the web UI is the file's docstring"
    assert "When it fails" in dag.doc_md, f"{dag.dag_id}: its docstring needs a section 'When it fails'"
    ownerless = [task.task_id for task in dag.tasks if task.owner != "ozon-etl"]
    assert not ownerless, f"{dag.dag_id}: {ownerless} have no owner; {SHARED}"


def test_it_has_one_active_run_and_no_catchup(dag: DAG) -> None:
    assert dag.max_active_runs == 1, f"{dag.dag_id}: set max_active_runs=1; concurrent runs would block each other"
    assert dag.catchup is False, f"{dag.dag_id}: set catchup=False; a run works on the current state only"


def test_its_tasks_are_retried_with_exponential_backoff(dag: DAG) -> None:
    for task in working_tasks(dag):
        where = f"{dag.dag_id}.{task.task_id}"
        assert task.retries, f"{where} uses the network and has no retries; {SHARED}"
        assert task.retry_exponential_backoff == 2.0, f"{where} has no exponential backoff; {SHARED}"
        assert task.retry_delay < task.max_retry_delay, f"{where} has no maximum delay between retries; {SHARED}"
        assert isinstance(task.retry_policy, OzonRetryPolicy), f"{where} would retry with a wrong key; {SHARED}"


def test_its_failures_are_notified(dag: DAG) -> None:
    # A mapped task has the function itself, other tasks have a list of functions.
    expected = ([report_failure], report_failure)
    silent = [task.task_id for task in working_tasks(dag) if task.on_failure_callback not in expected]
    assert not silent, f"{dag.dag_id}: {silent} fail without a notification; {SHARED}"


def test_its_runs_have_a_deadline_counted_from_the_time_they_were_due(dag: DAG) -> None:
    (deadline,) = dag.deadline or [None]
    assert deadline, f"{dag.dag_id}: give @dag deadline=run_deadline(...), so that a hanging run is notified"
    minutes = getattr(load_settings(environment="production").deadlines, f"{dag.dag_id}_minutes")
    assert deadline.interval == timedelta(minutes=minutes)


def test_its_parameters_have_a_description_and_a_type(dag: DAG) -> None:
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description, f"{dag.dag_id}: parameter {name} needs a description for the trigger form"
        assert "type" in param.schema, f"{dag.dag_id}: parameter {name} needs a type, otherwise it accepts any value"


def test_it_survives_serialization(dag: DAG) -> None:
    serialized = DagSerialization.to_dict(dag)
    DagSerialization.validate_schema(serialized)
    again = DagSerialization.from_dict(serialized)

    assert sorted(again.task_ids) == sorted(dag.task_ids)
    for task in working_tasks(dag):
        kept = again.get_task(task.task_id)
        assert (kept.retries, kept.retry_delay, kept.pool) == (task.retries, task.retry_delay, task.pool)
        assert kept.has_retry_policy
        assert kept.has_on_failure_callback
