"""The metrics of a load and of a health check, and Airflow's end of them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from include.ozon.adapter import telemetry
from include.ozon.errors import AlreadyRunningError, CancelledError
from include.ozon.monitoring.alerts.sender import SentReport
from include.ozon.monitoring.telemetry import METRICS, health_gauges
from include.ozon.pipeline.numbers import ComponentNumbers
from tests.support.alerts import broken, seen

NUMBERS = ComponentNumbers(rows_read=300, rows_inserted=7, api_requests=12, api_wait_seconds=0.5)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[float, dict[str, str]]]:
    """The metrics handed to Airflow, by name."""
    sent: dict[str, tuple[float, dict[str, str]]] = {}

    def gauge(name: str, value: float, *, tags: dict[str, str]) -> None:
        sent[name] = value, tags

    monkeypatch.setattr(telemetry.stats, "gauge", gauge)
    monkeypatch.setattr(telemetry.stats, "incr", lambda name, *, tags: gauge(name, 1, tags=tags))
    return sent


def test_the_names_are_unique_and_statsd_and_opentelemetry_allow_them() -> None:
    names = [metric.name for metric in METRICS]

    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_.]{0,200}", name)] == []
    assert {tag for metric in METRICS for tag in metric.tags} == {
        "account", "component", "status", "level", "check",
    }  # fmt: skip


def test_every_documented_number_of_an_attempt_is_sent(sent: dict[str, Any]) -> None:
    with telemetry.measured_attempt("product_etl", "main", NUMBERS):
        pass

    assert set(sent) == {metric.name for metric in METRICS if metric.name.startswith("ozon.component.")}
    tags = {"account": "main", "component": "product_etl", "status": "success"}
    assert sent["ozon.component.rows_inserted"] == (7, tags)
    assert sent["ozon.component.attempts"] == (1, tags)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AlreadyRunningError("busy"), "skipped"),
        (CancelledError("SIGTERM"), "cancelled"),
        (ValueError("broken"), "failed"),
        (SystemExit(), "failed"),
    ],
)
def test_an_attempt_that_fails_is_sent_with_what_it_has_read(
    error: BaseException, status: str, sent: dict[str, Any]
) -> None:
    with pytest.raises(type(error)), telemetry.measured_attempt("product_etl", "main", NUMBERS):
        raise error

    value, tags = sent["ozon.component.rows_read"]
    assert (value, tags["status"]) == (300, status)


def test_a_fault_of_the_receiver_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to statsd:8125")

    monkeypatch.setattr(telemetry.stats, "gauge", fail)

    with telemetry.measured_attempt("product_etl", "main", NUMBERS):
        pass
    telemetry.emit_health([], SentReport((), (), {}))

    assert caplog.messages == ["The metrics could not be emitted: OSError"] * 2


def test_a_health_check_sends_values_and_counts_of_defined_metrics() -> None:
    results = [
        seen("product_etl_age_hours", "ok", "main", value=2.5),
        seen("disk_used_pct", value=97.0),
        seen("airflow_reachable", value=None),
        broken("inventory_etl_age_hours", "main"),
    ]

    gauges = {(gauge.name, *gauge.tags.values()): gauge.value for gauge in health_gauges(results, {"critical": 2})}

    assert gauges == {
        ("ozon.health.product_etl_age_hours", "main"): 2.5,
        ("ozon.health.disk_used_pct",): 97.0,
        ("ozon.health.status", "product_etl_age_hours", "main"): 0,
        ("ozon.health.status", "disk_used_pct"): 2,
        ("ozon.health.status", "airflow_reachable"): 2,
        ("ozon.health.checks", "ok"): 1,
        ("ozon.health.checks", "warning"): 0,
        ("ozon.health.checks", "critical"): 2,
        ("ozon.health.checks", "unknown"): 0,
        ("ozon.health.checks", "error"): 1,
        ("ozon.incidents.open", "warning"): 0,
        ("ozon.incidents.open", "critical"): 2,
    }
    assert {name for name, *_ in gauges} <= {metric.name for metric in METRICS}
