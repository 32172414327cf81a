"""The tasks' handling of a run's parameters and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.execution_time.context import set_current_context

from include.ozon.adapter.alerting import state
from include.ozon.adapter.dags.callbacks import report_failure
from include.ozon.adapter.tasks import load as tasks
from include.ozon.errors import (
    AccessDeniedError,
    AlreadyRunningError,
    CancelledError,
    ConfigurationError,
    ConnectionSettingsError,
    MarketplaceUnavailableError,
    RateLimitedError,
    SchemaError,
    WarehouseUnavailableError,
)
from include.ozon.monitoring.alerts.model import Event
from include.ozon.pipeline.component import Component
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.pipeline.run import Run


@pytest.fixture(autouse=True)
def connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZON_ENV", "testing")
    monkeypatch.setenv("AIRFLOW_CONN_OZON_WAREHOUSE", "postgres://user:password@127.0.0.1:1/warehouse")


def context(**params: Any) -> Any:
    return {
        "dag_run": SimpleNamespace(run_id="manual__1", run_type="manual"),
        "params": {"accounts": [], "dry_run": False, "accept_guard": [], **params},
    }


@pytest.mark.parametrize(
    ("asked", "selected"),
    [([], ["main", "second"]), (["second"], ["second"]), (["second", "main"], ["second", "main"])],
)
def test_the_named_accounts_are_loaded_or_all(asked: list[str], selected: list[str]) -> None:
    with set_current_context(context(accounts=asked)):
        assert tasks.selected_accounts() == selected


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"accounts": ["main", "nobody"]}, "Parameter accounts: expected one of main, second; found 'nobody'"),
        ({"accept_guard": ["vanish"]}, "Parameter accept_guard: expected one of .*vanished.*; found 'vanish'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(params: dict[str, Any], sentence: str) -> None:
    with set_current_context(context(**params)), pytest.raises(ConfigurationError, match=sentence):
        tasks.selected_accounts()


def test_a_run_has_the_fields_of_airflows_dag_run() -> None:
    run = tasks.account_run("main", tasks.load_settings(), context(dry_run=True, accept_guard=["vanished"]))
    assert (run.workflow_id, run.trigger, run.dry_run) == ("manual__1/main", "manual", True)
    assert run.accept_guards == {"vanished"}


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (AlreadyRunningError("already running since noon"), AirflowSkipException),
        (CancelledError("The run was cancelled (SIGTERM)"), AirflowFailException),
        (KeyboardInterrupt(), AirflowFailException),
        (MarketplaceUnavailableError("HTTP 503"), MarketplaceUnavailableError),
    ],
)
def test_an_error_of_the_work_decides_how_the_task_ends(
    raised: BaseException, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(component: Component[Any], run: Run, numbers: ComponentNumbers) -> NoReturn:
        raise raised

    monkeypatch.setattr(tasks, "run_component", work)
    with set_current_context(context()), pytest.raises(expected) as caught:
        tasks.load_component("product_etl", "main", ComponentNumbers())
    assert str(caught.value) == (str(raised) or "The run was interrupted.")


def test_a_dry_run_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    @contextmanager
    def note(component: str, *_: object) -> Iterator[None]:
        yield measured.append(component)

    monkeypatch.setattr(tasks, "run_component", lambda *_: None)
    monkeypatch.setattr(tasks, "measured_attempt", note)
    for dry_run in (True, False):
        with set_current_context(context(dry_run=dry_run)):
            tasks.load_component("product_etl", "main", ComponentNumbers())
    assert measured == ["product_etl"]


def test_a_dry_run_closes_and_announces_nothing() -> None:
    with set_current_context(context(dry_run=True)):
        with pytest.raises(AirflowSkipException, match="leaves no record"):
            tasks.end_load("main")
        with pytest.raises(AirflowSkipException, match="loads nothing"):
            tasks.loaded_accounts()


def failed(error: Exception, **context: Any) -> Any:
    task = SimpleNamespace(dag_id="ozon_etl", task_id="product_etl", try_number=2, log_url="http://airflow.example/log")
    return {"ti": task, "run_id": "manual__1", "exception": error, **context}


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    events: list[Event] = []
    monkeypatch.setattr(state, "hand_over", events.append)
    return events


def test_a_failure_is_logged_in_one_line(handed_over: list[Event], caplog: pytest.LogCaptureFixture) -> None:
    report_failure(failed(ConfigurationError("No such account.")))

    assert caplog.messages == [
        "product_etl of run manual__1 failed in attempt 2: No such account. Log: http://airflow.example/log"
    ]


def test_a_failure_is_handed_to_the_sender_of_alerts(handed_over: list[Event]) -> None:
    report_failure(failed(WarehouseUnavailableError("The warehouse\ncannot be reached."), account="main"))

    (event,) = handed_over
    assert (event.rule, event.subject, event.account) == ("task_failed", "ozon_etl.product_etl", "main")
    assert event.message == (
        "Task product_etl of ozon_etl failed for account main, in attempt 2: The warehouse cannot be reached."
    )
    assert event.link == "http://airflow.example/log"
    assert "warehouse_reachable" in event.caused_by


@pytest.mark.parametrize(
    ("error", "caused_by"),
    [
        (AccessDeniedError("Invalid Api-Key"), "api_key"),
        (SchemaError("behind"), "warehouse_schema"),
        (MarketplaceUnavailableError("HTTP 503"), "api_reachable"),
        (RateLimitedError("too many", 3), "api_rate_limited_pct"),
        (ConnectionSettingsError("no connection"), "api_key"),
        (ConfigurationError("no such account"), None),
    ],
)
def test_a_failure_says_of_what_it_may_be_a_consequence(
    error: Exception, caused_by: str | None, handed_over: list[Event]
) -> None:
    report_failure(failed(error))

    assert (caused_by in handed_over[0].caused_by) if caused_by else (handed_over[0].caused_by == ())


def test_a_failure_that_cannot_be_handed_over_is_still_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(event: Event) -> NoReturn:
        raise RuntimeError("no metadata database at user:pass@host")

    monkeypatch.setattr(state, "hand_over", refuse)
    report_failure(failed(ConfigurationError("No such account.")))

    assert len(caplog.messages) == 2
    assert "pass" not in caplog.text
