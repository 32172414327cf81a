from __future__ import annotations

from collections.abc import Callable

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from include.ozon_local.home import ROOT

LoadDag = Callable[..., DAG]

DAG_IDS = sorted(file.stem for file in (ROOT / "dags").glob("*.py"))


@pytest.fixture
def dag_bag(monkeypatch: pytest.MonkeyPatch) -> DagBag:
    """All DAGs, parsed in the environment production."""
    monkeypatch.setenv("OZON_ENV", "production")
    return parsed()


@pytest.fixture(params=DAG_IDS)
def dag(request: pytest.FixtureRequest, dag_bag: DagBag) -> DAG:
    """Each DAG in turn."""
    dag_id: str = request.param
    assert dag_id in dag_bag.dags, f"dags/{dag_id}.py has to define the DAG {dag_id}: each DAG has a file of its name"
    found: DAG = dag_bag.dags[dag_id]
    return found


@pytest.fixture
def load_dag(monkeypatch: pytest.MonkeyPatch) -> LoadDag:
    """A function that parses a DAG with variables: ``load_dag("ozon_etl", OZON__TIME_ZONE="UTC")``."""

    def load(dag_id: str, **variables: str) -> DAG:
        for name, value in ({"OZON_ENV": "production"} | variables).items():
            monkeypatch.setenv(name, value)
        bag = parsed()
        assert bag.import_errors == {}
        dag: DAG = bag.dags[dag_id]
        return dag

    return load


def parsed() -> DagBag:
    return DagBag(ROOT / "dags", bundle_path=ROOT / "dags")
