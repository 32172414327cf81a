"""State in Airflow's Variables, and in a file while they cannot be written."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.ozon.adapter.alerting import state
from include.ozon.adapter.alerting.state import AirflowKeeper, Outbox
from include.ozon.monitoring.alerts.model import Event
from include.ozon.translation import Translated


class Variables:
    """Airflow's Variables in memory: the real ones need a metadata database. Other tests use those."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.is_down = False

    def get(self, key: str, default: str | None = None) -> str | None:
        self._check()
        return self.values.get(key, default)

    def set(self, key: str, value: str, description: str | None = None) -> None:
        self._check()
        self.values[key] = value

    def keys(self, prefix: str) -> list[str]:
        self._check()
        return [key for key in self.values if key.startswith(prefix)]

    def delete(self, key: str) -> None:
        self._check()
        del self.values[key]

    def _check(self) -> None:
        if self.is_down:
            raise RuntimeError("no metadata database")


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Variables:
    made = Variables()
    monkeypatch.setattr(state, "variables", lambda: made)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ozon_alerts.json"


def test_the_copy_of_the_alerts_is_a_variable(variables: Variables, file: Path) -> None:
    AirflowKeeper(file).write("copy")

    assert AirflowKeeper(file).read() == "copy"
    assert not file.exists()


def test_while_airflows_database_is_down_it_is_a_file(variables: Variables, file: Path) -> None:
    AirflowKeeper(file).write("before")
    variables.is_down = True
    AirflowKeeper(file).write("meanwhile")

    assert AirflowKeeper(file).read() == "meanwhile"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_counts_until_the_variable_can_be_written_again(variables: Variables, file: Path) -> None:
    AirflowKeeper(file).write("before")
    variables.is_down = True
    AirflowKeeper(file).write("meanwhile")
    variables.is_down = False

    assert AirflowKeeper(file).read() == "meanwhile"
    AirflowKeeper(file).write("afterwards")
    assert AirflowKeeper(file).read() == "afterwards"
    assert not file.exists()


def test_events_of_two_tasks_are_kept_apart_until_they_are_notified(variables: Variables) -> None:
    events = [event("product_etl", "main"), event("product_etl", "second")]
    for each in events:
        state.hand_over(each)

    outbox = Outbox()
    assert sorted(outbox.take(), key=lambda taken: str(taken.account)) == events
    assert len(Outbox().take()) == 2
    outbox.forget()
    assert Outbox().take() == []


def test_an_event_that_comes_while_others_are_notified_waits_for_the_next_sender(variables: Variables) -> None:
    outbox = Outbox()
    outbox.take()
    state.hand_over(event("product_etl", "main"))
    outbox.forget()

    assert Outbox().take() == [event("product_etl", "main")]


def test_an_event_that_cannot_be_read_does_not_keep_the_others(variables: Variables) -> None:
    variables.set("ozon_alert_event.0", "{}")
    state.hand_over(event("product_etl", "main"))

    outbox = Outbox()
    assert outbox.take() == [event("product_etl", "main")]
    outbox.forget()
    assert variables.values == {}


def test_without_variables_there_are_no_events_and_no_error(variables: Variables) -> None:
    variables.is_down = True

    assert Outbox().take() == []


def test_paused_dags_are_noted_for_the_deadlines(variables: Variables) -> None:
    assert state.paused_dags() == []
    state.keep_paused_dags(["ozon_visibility_metrics", "ozon_etl"])

    assert state.paused_dags() == ["ozon_etl", "ozon_visibility_metrics"]


def event(task_id: str, account: str) -> Event:
    return Event(
        rule="task_failed",
        subject=f"ozon_etl.{task_id}",
        level="critical",
        message="Задача не выполнена.",
        happened_at=datetime(2026, 11, 24, 8, tzinfo=UTC),
        account=account,
        caused_by=("warehouse_reachable",),
        details=(Translated("one", "один"), "two"),
    )
