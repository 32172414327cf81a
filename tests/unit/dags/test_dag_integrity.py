"""What every DAG has to have. Each failure says where to mend it."""

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
# Red because of what the check found, which another task has told: nothing to try again, and no failure to tell.
VERDICTS = {"verdict"}


def working_tasks(dag: DAG) -> list[Any]:
    return [task for task in dag.tasks if task.task_id not in VERDICTS]


def test_every_file_is_read_without_an_error(dag_bag: DagBag) -> None:
    errors = [f"{file}:\n{error}" for file, error in dag_bag.import_errors.items()]
    assert not errors, "Airflow cannot read a DAG file:\n" + "\n".join(errors)
    assert sorted(dag_bag.dags) == DAG_IDS
    assert dag_bag.captured_warnings == {}


@pytest.mark.parametrize("environment", ["development", "testing"])
def test_every_file_is_read_in_every_environment(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZON_ENV", environment)
    assert parsed().import_errors == {}


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_file_is_wiring_only(dag_id: str) -> None:
    lines = (ROOT / "dags" / f"{dag_id}.py").read_text().splitlines()
    assert len(lines) < 80, f"dags/{dag_id}.py has {len(lines)} lines; move the work to include/ozon"


def test_it_says_who_what_and_why(dag: DAG) -> None:
    assert "ozon" in dag.tags, f'{dag.dag_id}: give @dag tags=["ozon", ...], by which people filter the list'
    assert dag.doc_md, f"{dag.dag_id}: give @dag doc_md=__doc__; the page in the web UI is the file's docstring"
    assert "When it fails" in dag.doc_md, f"{dag.dag_id}: its docstring has to say what to do when it fails"
    ownerless = [task.task_id for task in dag.tasks if task.owner != "ozon-etl"]
    assert not ownerless, f"{dag.dag_id}: {ownerless} have no owner; {SHARED}"


def test_it_runs_once_at_a_time_and_catches_nothing_up(dag: DAG) -> None:
    assert dag.max_active_runs == 1, f"{dag.dag_id}: two runs at once would only get into each other's way"
    assert dag.catchup is False, f"{dag.dag_id}: it works on things as they are now, so a missed run is not made up for"


def test_its_tasks_are_tried_again_with_growing_waits(dag: DAG) -> None:
    for task in working_tasks(dag):
        where = f"{dag.dag_id}.{task.task_id}"
        assert task.retries, f"{where} touches the network and has no retries; {SHARED}"
        assert task.retry_exponential_backoff == 2.0, f"{where} has no exponential backoff; {SHARED}"
        assert task.retry_delay < task.max_retry_delay, f"{where} has no upper bound of its waits; {SHARED}"
        assert isinstance(task.retry_policy, OzonRetryPolicy), f"{where} would try a wrong key again; {SHARED}"


def test_its_failures_are_told(dag: DAG) -> None:
    # A mapped task has the bare function where others have a list of them.
    told = ([report_failure], report_failure)
    untold = [task.task_id for task in working_tasks(dag) if task.on_failure_callback not in told]
    assert not untold, f"{dag.dag_id}: {untold} fail without a word; {SHARED}"


def test_its_runs_have_a_deadline_after_the_moment_they_were_due(dag: DAG) -> None:
    (deadline,) = dag.deadline or [None]
    assert deadline, f"{dag.dag_id}: give @dag deadline=run_deadline(...), so that a run that hangs is noticed"
    minutes = getattr(load_settings(environment="production").deadlines, f"{dag.dag_id}_minutes")
    assert deadline.interval == timedelta(minutes=minutes)


def test_its_parameters_explain_themselves(dag: DAG) -> None:
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description, f"{dag.dag_id}: parameter {name} needs a description for the trigger form"
        assert "type" in param.schema, f"{dag.dag_id}: parameter {name} needs a type, or anything goes"


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
