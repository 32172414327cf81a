"""Metrics of a load and a health check that a real Airflow sends to StatsD and to OpenTelemetry."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from include.ozon.monitoring.telemetry import METRICS
from tests.e2e.conftest import StartStack
from tests.support import process
from tests.support.airflow_runs import Airflow
from tests.support.airflow_stack import until
from tests.support.metric_receivers import OtlpReceiver, Receiver, StatsdReceiver, Values
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.long

LEVELS = {"ok": 0, "warning": 1, "critical": 2}

Ended = tuple[str, str, str]
LOADED_PRODUCTS: Ended = ("main", "product_etl", "success")
LOADED_STOCK: Ended = ("main", "inventory_etl", "success")
REFUSED: Ended = ("second", "product_etl", "failed")


@pytest.fixture(params=[StatsdReceiver, OtlpReceiver])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with request.param() as receiver:
        yield receiver


def test_airflow_sends_what_the_warehouse_records(
    start_stack: StartStack, airflow: Airflow, receiver: Receiver, warehouse: Pipeline
) -> None:
    variable = "AIRFLOW_CONN_OZON_API_SECOND"
    refused = json.loads(airflow.environment[variable]) | {"password": "no-such-key-0123456789"}
    stack = start_stack(
        "ozon_etl", "ozon_health_check", variables={**receiver.variables, variable: json.dumps(refused)}
    )
    load = "manual__load"
    stack.finished_run("ozon_etl", load)
    stack.finished_run("ozon_health_check", "manual__check", checks=["data", "airflow"])

    expected = {**attempts(warehouse, load, [LOADED_PRODUCTS, LOADED_STOCK, REFUSED]), **health(warehouse)}
    until(lambda: expected.keys() <= receiver.values.keys(), "all metrics have arrived", 60)
    received = receiver.named("airflow.ozon.")
    assert {key: received[key] for key in expected} == expected

    definitions = {f"airflow.{metric.name}": metric for metric in METRICS}
    for name, tags in received:
        assert {key for key, _ in tags} <= set(definitions[name].tags), name
    assert received[key("component.peak_memory_mb", *LOADED_PRODUCTS)] > 0
    assert received[key("component.duration_seconds", *LOADED_PRODUCTS)] > 0
    assert not [series for series in received if "manual__" in str(series) or "no-such-key" in str(series)]


def key(name: str, account: str, component: str, status: str) -> tuple[str, frozenset[tuple[str, str]]]:
    tags = {"account": account, "component": component, "status": status}
    return f"airflow.ozon.{name}", frozenset(tags.items())


def attempts(warehouse: Pipeline, dag_run_id: str, ended: list[Ended]) -> Values:
    """Return the numbers of the attempts of the load as metrics."""
    expected: Values = {}
    for account, component, status in ended:
        (record,) = warehouse.attempts(component, dag_run_id, account)
        assert record["status"] == status
        expected[key("component.attempts", account, component, status)] = 1
        for column, value in record.items():
            if column.startswith(("rows_", "api_")):
                expected[key(f"component.{column}", account, component, status)] = value
    return expected


def health(warehouse: Pipeline) -> Values:
    """Return the results and the incidents of the health check as metrics."""
    results = warehouse.rows('SELECT "check", account, value, status FROM ozon.health_checks')
    assert {"product_etl_age_hours", "inventory_etl_age_hours"} <= {row["check"] for row in results}
    by_status = warehouse.rows("SELECT status, count(*) FROM ozon.health_checks GROUP BY status")
    by_level = warehouse.rows("SELECT level, count(*) FROM ozon.incidents WHERE resolved_at IS NULL GROUP BY level")
    assert by_level
    expected: Values = {}
    names = {metric.name for metric in METRICS}
    for row in results:
        tags = {"account": row["account"]} if row["account"] else {}
        if row["value"] is not None and f"ozon.health.{row['check']}" in names:
            expected[f"airflow.ozon.health.{row['check']}", frozenset(tags.items())] = row["value"]
        if row["status"] in LEVELS:
            tags["check"] = row["check"]
            expected["airflow.ozon.health.status", frozenset(tags.items())] = LEVELS[row["status"]]
    for row in by_status:
        expected["airflow.ozon.health.checks", frozenset({("status", row["status"])})] = row["count"]
    for row in by_level:
        expected["airflow.ozon.incidents.open", frozenset({("level", row["level"])})] = row["count"]
    return expected


def test_a_run_without_a_scheduler_sends_them_too(airflow: Airflow, receiver: Receiver, warehouse: Pipeline) -> None:
    variables = {**os.environ, **airflow.environment, **receiver.variables}
    done = process.run(process.OZON, "run", "--account", "main", env=variables)

    assert done.returncode == 0, done.stderr
    (load,) = warehouse.rows("SELECT dag_run_id FROM ozon.etl_workflow_executions")
    expected = attempts(warehouse, load["dag_run_id"], [LOADED_PRODUCTS, LOADED_STOCK])
    until(lambda: expected.keys() <= receiver.values.keys(), "all metrics have arrived", 30)
    assert {series: receiver.values[series] for series in expected} == expected
