"""The DAGs' deadlines, as Airflow's scheduler reads and calls them."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest
from airflow.sdk import DAG
from airflow.sdk._shared.module_loading import import_string
from airflow.serialization.decoders import decode_deadline_alert
from airflow.serialization.serialized_objects import DagSerialization

from include.ozon.adapter.dags import deadlines
from tests.unit.dags.conftest import DAG_IDS, LoadDag


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the plugin's reference, because Airflow's plugins folder is another one in tests."""
    path = f"{deadlines.RunDue.__module__}.{deadlines.RunDue.__qualname__}"
    monkeypatch.setattr("airflow.plugins_manager.get_deadline_references_plugins", lambda: {path: deadlines.RunDue})


@pytest.mark.usefixtures("registered")
def test_a_deadline_is_counted_from_the_time_a_run_was_due(dag: DAG) -> None:
    (serialized,) = DagSerialization.to_dict(dag)["dag"]["deadline"]
    again = decode_deadline_alert(serialized)

    assert isinstance(again.reference.inner_ref, deadlines.RunDue)
    (deadline,) = dag.deadline or []
    assert again.interval == deadline.interval


def test_the_triggerer_can_import_and_await_the_callback(dag: DAG) -> None:
    (deadline,) = dag.deadline or []
    callback = import_string(deadline.callback.path)

    assert inspect.iscoroutinefunction(callback)
    assert "context" in inspect.signature(callback).parameters
    assert deadline.callback.kwargs == {}


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_the_configuration_sets_the_deadline(dag_id: str, load_dag: LoadDag) -> None:
    dag = load_dag(dag_id, **{f"OZON__DEADLINES__{dag_id.upper()}_MINUTES": "77"})
    (deadline,) = dag.deadline or []
    assert deadline.interval == timedelta(minutes=77)
