"""OpenLineage's events of a real ``ozon_etl``, as the provider writes them to a file, and the assets of its tables."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from include.ozon.adapter.dags.defaults import TABLE_ASSETS
from include.ozon.configuration import load_settings
from include.ozon.pipeline.components import COMPONENTS
from include.ozon_sandbox.process import SandboxProcess
from tests.e2e.conftest import StartStack
from tests.support import process
from tests.support.airflow_runs import Airflow
from tests.support.airflow_stack import until
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.long

# The oracle of the events' columns: the database's own catalogue.
COLUMNS = """
SELECT a.attname AS name,
       replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz') AS type,
       col_description(a.attrelid, a.attnum) AS description
FROM pg_attribute a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""


class Events:
    """The events in the file of OpenLineage's file transport."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.transport = json.dumps({"type": "file", "log_file_path": str(file), "append": True})

    def of(self, task: str) -> dict[str, dict[str, Any]]:
        """Return a task's events by their type; a mapped task ran only once."""
        events = [json.loads(line) for line in self.file.read_text().splitlines()]
        return {event["eventType"]: event for event in events if event["job"]["name"] == f"ozon_etl.{task}"}


@pytest.fixture
def events(airflow: Airflow) -> Events:
    events = Events(airflow.home / "lineage.jsonl")
    airflow.environment["AIRFLOW__OPENLINEAGE__TRANSPORT"] = events.transport
    return events


def names(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(dataset["namespace"], dataset["name"]) for dataset in datasets]


def test_a_load_names_its_methods_and_its_tables_with_columns_and_rows(
    airflow: Airflow, warehouse: Pipeline, sandbox: SandboxProcess, events: Events
) -> None:
    airflow.environment["OZON__TASKS__TABLE_ASSETS"] = "true"
    address = urlsplit(warehouse.dsn)
    host, database = f"postgres://{address.hostname}:{address.port}", address.path.removeprefix("/")

    done = airflow.run(accounts=["main"])

    assert done.exit_code == 0, done.output
    written = {}
    for component in COMPONENTS:
        event = events.of(component.name)["COMPLETE"]
        methods = component.methods(load_settings(environment="testing"))
        assert names(event["inputs"]) == [(sandbox.base_url, method) for method in methods]
        for table in event["outputs"]:
            assert (table["namespace"], table["name"].rpartition(".")[0]) == (host, f"{database}.ozon")
            name = table["name"].removeprefix(f"{database}.")
            fields = table["facets"]["schema"]["fields"]
            assert [{key: field[key] for key in ("name", "type", "description")} for field in fields] == warehouse.rows(
                COLUMNS, name
            )
            written[name] = table["outputFacets"]["outputStatistics"]["rowCount"]
    # The first load only inserts.
    assert written == {name: warehouse.value(f"SELECT count(*) FROM {name}") for name in written}
    assert {"ozon.products", "ozon.product_price_history", "ozon.inventory", "ozon.inventory_history"} <= set(written)

    assets = airflow.asset_events(f"uri LIKE '{host}/%'")
    assert [asset["rows"] for asset in assets] == list(written.values())
    assert airflow.rows("SELECT name FROM asset_alias") == [{"name": TABLE_ASSETS.name}]
    assert airflow.announced() == [["main"]]
    assert_no_secrets(airflow, warehouse, events)


def assert_no_secrets(airflow: Airflow, warehouse: Pipeline, events: Events) -> None:
    variable = airflow.environment["AIRFLOW_CONN_OZON_API_MAIN"]
    secrets = {urlsplit(warehouse.dsn).password, json.loads(variable)["password"]}
    assert None not in secrets
    assert [secret for secret in secrets if str(secret) in events.file.read_text()] == []


@pytest.mark.usefixtures("loaded")
def test_a_stopped_load_has_read_and_written_nothing(
    airflow: Airflow, warehouse: Pipeline, sandbox: SandboxProcess, events: Events
) -> None:
    sandbox.fault("vanish_share", share=0.5, account="main")

    done = airflow.run(accounts=["main"])

    assert done.exit_code == 1, done.output
    failed = events.of("product_etl")["FAIL"]
    assert names(failed["inputs"]) == [
        (sandbox.base_url, "/v3/product/list"),
        (sandbox.base_url, "/v3/product/info/list"),
    ]
    assert failed["outputs"] == []
    assert "accept_guard" in failed["run"]["facets"]["errorMessage"]["message"]
    assert_no_secrets(airflow, warehouse, events)


def test_an_attempt_that_reads_nothing_names_nothing(airflow: Airflow, warehouse: Pipeline, events: Events) -> None:
    variable = "AIRFLOW_CONN_OZON_WAREHOUSE"
    wrong = {**json.loads(airflow.environment[variable]), "password": "no-such-password-0123456789"}
    airflow.environment.update({variable: json.dumps(wrong), "OZON__RETRY__RETRIES": "0"})

    done = airflow.run(accounts=["main"])

    assert done.exit_code == 1, done.output
    failed = events.of("product_etl")["FAIL"]
    assert (failed["inputs"], failed["outputs"]) == ([], [])
    assert "no-such-password" not in events.file.read_text()
    assert_no_secrets(airflow, warehouse, events)


def test_a_receiver_that_is_down_fails_no_load(airflow: Airflow, warehouse: Pipeline) -> None:
    nowhere = {"type": "http", "url": "http://127.0.0.1:1", "timeout": 1, "retry": {"total": 0}}
    airflow.environment["AIRFLOW__OPENLINEAGE__TRANSPORT"] = json.dumps(nowhere)

    done = airflow.run(accounts=["main"])

    assert done.exit_code == 0, done.output
    assert "OpenLineage" in done.output
    assert warehouse.value("SELECT count(*) FROM ozon.products") > 0


WAITING = """
from airflow.sdk import Asset, dag, task

@dag(schedule=Asset({uri!r}))
def waiting():
    @task
    def look(triggering_asset_events):
        return {{event.asset.uri: event.extra for events in triggering_asset_events.values() for event in events}}

    look()

waiting()
"""


def test_another_dag_waits_for_a_table(start_stack: StartStack, warehouse: Pipeline) -> None:
    address = urlsplit(warehouse.dsn)
    uri = f"postgres://{address.hostname}:{address.port}{address.path}/ozon/products"
    stack = start_stack(
        "ozon_etl", variables={"OZON__TASKS__TABLE_ASSETS": "true"}, other={"waiting": WAITING.format(uri=uri)}
    )

    stack.finished_run("ozon_etl", "manual__load", accounts=["main"])

    runs = until(lambda: stack.call("GET", "/api/v2/dags/waiting/dagRuns")["dag_runs"], "the DAG was triggered")
    assert [run["run_type"] for run in runs] == ["asset_triggered"]
    (event,) = stack.call("GET", f"/api/v2/dags/waiting/dagRuns/{runs[0]['dag_run_id']}/upstreamAssetEvents")[
        "asset_events"
    ]
    assert (event["uri"], event["source_task_id"]) == (uri, "product_etl")
    assert event["extra"]["rows"] == 300


def test_a_process_without_openlineages_settings_does_not_load_it() -> None:
    program = """
import sys
import airflow.providers.openlineage.plugins.openlineage
import include.ozon.adapter.dags.load_component, include.ozon.adapter.tasks.load
assert "openlineage.client" not in sys.modules
"""
    done = process.run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
