"""The checks of Airflow with a fake probe; tests of the adapter and end-to-end tests use a real Airflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.ozon.configuration import load_settings
from include.ozon.errors import RetriableError
from include.ozon.monitoring.health import airflow
from include.ozon.monitoring.health.checks import DagState, HealthContext, run_checks
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.settings import Settings
from tests.support.pipeline import changed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = load_settings(environment="testing", environ={})
ETL, HEALTH = DagState("ozon_etl", is_known=True), DagState("ozon_health_check", is_known=True)
ALIVE = {name: ("healthy", NOW - timedelta(seconds=age)) for name, age in [("scheduler", 4), ("triggerer", 5)]} | {
    "dag_processor": ("healthy", NOW - timedelta(seconds=6.25))
}


@dataclass
class Answers:
    """A fake Airflow that counts its requests."""

    beats: dict[str, tuple[str, datetime | None]] = field(default_factory=lambda: dict(ALIVE))
    known: Sequence[DagState] = (ETL, HEALTH)
    error: Exception | None = None
    asked: int = 0

    def heartbeats(self) -> dict[str, tuple[str, datetime | None]]:
        self.asked += 1
        if self.error:
            raise self.error
        return self.beats

    def dags(self) -> Sequence[DagState]:
        self.asked += 1
        return self.known


def measure(answers: Answers | None, settings: Settings = SETTINGS) -> dict[str, CheckResult]:
    def nobody(*_: object) -> None:
        raise AssertionError("Airflow's checks use neither the warehouse nor Ozon.")

    context = HealthContext(settings, NOW, nobody, nobody, answers, [Path("/")])  # type: ignore[arg-type]
    results = run_checks("airflow", airflow.checks(context))
    assert all(result.account is None for result in results)
    return {result.check: result for result in results}


def test_all_checks_are_ok_with_one_request_for_each_part() -> None:
    answers = Answers()
    found = measure(answers)
    assert [(result.check, result.status, result.value) for result in found.values()] == [
        ("airflow_reachable", Status.OK, None),
        ("airflow_scheduler", Status.OK, 4),
        ("airflow_triggerer", Status.OK, 5),
        ("airflow_dag_processor", Status.OK, 6.2),
        ("airflow_import", Status.OK, 0),
        ("airflow_paused", Status.OK, 0),
    ]
    assert answers.asked == 2
    assert found["airflow_import"].message == "Airflow knows all 2 DAGs of this package, without errors."


def test_a_silent_api_server_is_critical_and_the_heartbeats_are_unknown() -> None:
    answers = Answers(
        error=RetriableError("Airflow's API server at 127.0.0.1:8080 did not answer. Check that it runs.")
    )
    found = measure(answers)
    reachable = found["airflow_reachable"]
    assert reachable.status == Status.CRITICAL
    assert reachable.message == "Airflow's API server at 127.0.0.1:8080 did not answer. Check that it runs."
    for process in ("scheduler", "triggerer", "dag_processor"):
        result = found[f"airflow_{process}"]
        assert result.status == Status.ERROR
    assert found["airflow_import"].status is Status.OK
    assert answers.asked == 2


@pytest.mark.parametrize(
    ("beat", "message"),
    [
        (
            ("unhealthy", NOW - timedelta(hours=1)),
            "Airflow's dag processor does not run: its last heartbeat was 3600 seconds ago.",
        ),
        (("", None), "Airflow's dag processor has never sent a heartbeat."),
        (None, "Airflow's dag processor has never sent a heartbeat."),
    ],
)
def test_a_process_without_a_pulse_is_critical(beat: tuple[str, datetime | None] | None, message: str) -> None:
    beats = {name: each for name, each in (ALIVE | {"dag_processor": beat}).items() if each}
    result = measure(Answers(beats=beats))["airflow_dag_processor"]
    assert (result.status, result.message) == (Status.CRITICAL, message)


def test_a_clock_that_is_ahead_makes_no_negative_age() -> None:
    beats = ALIVE | {"scheduler": ("healthy", NOW + timedelta(seconds=3))}
    assert measure(Answers(beats=beats))["airflow_scheduler"].value == 0


def test_a_dag_that_cannot_be_imported_or_is_not_known_is_named() -> None:
    broken = DagState("ozon_etl", is_known=True, import_error="ozon_etl.py: ModuleNotFoundError: No module named 'x'")
    result = measure(Answers(known=[broken, DagState("ozon_health_check", is_known=False)]))["airflow_import"]
    assert (result.status, result.value) == (Status.CRITICAL, 2)
    assert result.message == (
        "ozon_etl cannot be imported: ozon_etl.py: ModuleNotFoundError: No module named 'x'; "
        "Airflow does not know ozon_health_check: its file is missing, or the DAG processor has not read it yet."
    )


def test_paused_dags_are_named_with_the_level_of_the_rule() -> None:
    answers = Answers(known=[DagState("ozon_etl", is_known=True, is_paused=True), HEALTH])
    result = measure(answers)["airflow_paused"]
    assert (result.status, result.value) == (Status.WARNING, 1)
    assert result.message.startswith("Paused DAGs: ozon_etl.")
    critical = changed(SETTINGS, "rules.airflow_paused", level="critical")
    assert measure(answers, critical)["airflow_paused"].status is Status.CRITICAL


def test_without_an_airflow_there_is_nothing_to_measure() -> None:
    found = measure(None)
    assert list(found) == list(measure(Answers()))
    assert {result.status for result in found.values()} == {Status.UNKNOWN}
    assert "No Airflow runs here" in found["airflow_reachable"].message
