"""The history of `make demo`, in small: interrupted and continued, with an outage, a late load and mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon_local.demo import history, timeline
from include.ozon_local.demo.account_loads import AccountLoads
from include.ozon_local.demo.history import History
from include.ozon_local.demo.timeline import ACCOUNTS, OUTLET, SHOP, Load
from include.ozon_local.moved_clock import moved_clock
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import StartSandbox
from tests.support.agreement import assert_agreement
from tests.support.alerts import RecordingChannel
from tests.support.pipeline import Pipeline

NOW = datetime.now(UTC) - timedelta(days=3)
ENVIRON = MappingProxyType({f"OZON__ACCOUNTS__{name.upper()}__TITLE": name for name in ACCOUNTS})
SETTINGS = load_settings(environment="development", environ=ENVIRON)
TICK_0 = timeline.first_tick_0(SETTINGS, NOW)
OUTAGE = 4  # an even number: a health check follows


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    planned = timeline.loads(SETTINGS, TICK_0, NOW)
    fields = timeline.sandbox_accounts(planned, TICK_0)
    accounts = {name: {**fields[name], "size": 60} for name in ACCOUNTS}
    outage = [
        {"name": "server_error", "account": name, "from_tick": OUTAGE, "to_tick": OUTAGE + 1} for name in ACCOUNTS
    ]
    return start_sandbox(accounts, faults=outage)


@pytest.fixture
def warehouse(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    return Pipeline(sandbox, warehouse_dsn, SETTINGS)


class Interruption(BaseException):
    pass


def fill(warehouse: Pipeline, count: int, stop_after: int = 1000) -> list[str]:
    """Make the first loads; return the subjects of the mails."""
    channel = RecordingChannel()
    api = SETTINGS.api.model_copy(update={"attempts": 1})
    loads = AccountLoads(
        SETTINGS.model_copy(update={"api": api}), warehouse.dsn, warehouse.sandbox.base_url, warehouse.sandbox.accounts
    )

    def show(load: Load, measured: Sequence[VisibilityMetrics]) -> None:
        assert {each.account for each in measured} == set(ACCOUNTS)
        if load.number >= stop_after:
            raise Interruption

    with moved_clock(warehouse.connect) as clock:
        channels: Any = {"team": channel}
        made = History(loads, warehouse.sandbox, clock, channels, show)
        made.fill(timeline.loads(SETTINGS, TICK_0, NOW)[:count])
    return channel.subjects


def workflows(warehouse: Pipeline, account: str) -> list[dict[str, Any]]:
    query = "SELECT * FROM ozon.etl_workflow_executions WHERE account = %s ORDER BY started_at"
    return warehouse.rows(query, account)


def test_an_interrupted_history_is_completed_without_loading_twice(warehouse: Pipeline) -> None:
    with pytest.raises(Interruption):
        fill(warehouse, 3, stop_after=2)
    before = {account: workflows(warehouse, account) for account in ACCOUNTS}

    fill(warehouse, 3)
    fill(warehouse, 3)

    due = [load.due_at for load in timeline.loads(SETTINGS, TICK_0, NOW)[:3]]
    for account in ACCOUNTS:
        found = workflows(warehouse, account)
        assert found[:2] == before[account]
        assert [row["status"] for row in found] == ["success"] * 3
        for row, moment in zip(found, due, strict=True):
            assert moment < row["started_at"] < row["finished_at"] < moment + timedelta(minutes=2)
        assert_agreement(warehouse, account)


@pytest.mark.long
def test_an_outage_is_recorded_with_retries_notified_and_made_up_for(warehouse: Pipeline) -> None:
    subjects = fill(warehouse, OUTAGE + 2)

    for account in ACCOUNTS:
        found = workflows(warehouse, account)
        assert [row["status"] for row in found] == [*["success"] * 3, "failed", *["success"] * 2]
        attempts = warehouse.attempts(dag_run_id=found[OUTAGE - 1]["dag_run_id"], account=account)
        assert [attempt["status"] for attempt in attempts] == ["failed"] * 4
        assert "HTTP 500" in attempts[0]["error"]
        waits = [after["started_at"] - before["finished_at"] for before, after in pairwise(attempts)]
        assert [wait >= timedelta(minutes=minutes) for wait, minutes in zip(waits, (5, 10, 20), strict=True)]
        assert_agreement(warehouse, account)
    incidents = warehouse.rows('SELECT * FROM ozon.incidents WHERE "group" = %s', "api_availability")
    assert {incident["account"] for incident in incidents} == set(ACCOUNTS)
    assert all(incident["resolved_at"] - incident["opened_at"] > timedelta(hours=5) for incident in incidents)
    about_api = [subject for subject in subjects if "the Seller API does not answer" in subject]
    assert ["CRITICAL" in about_api[0], "RECOVERED" in about_api[-1], len(about_api)] == [True, True, 2], subjects


def test_a_load_that_starts_late_opens_an_incident_until_then(
    warehouse: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LATE_LOAD", 2)
    monkeypatch.setattr(timeline, "LATE_LOAD", 2)

    fill(warehouse, 2)

    (_, late) = workflows(warehouse, SHOP)
    assert late["started_at"] - timeline.loads(SETTINGS, TICK_0, NOW)[1].due_at >= timeline.LATE_BY
    incidents = warehouse.rows('SELECT * FROM ozon.incidents WHERE "group" = %s', "loads")
    assert {(incident["account"], incident["notified_level"]) for incident in incidents} == {
        (SHOP, "critical"),
        (OUTLET, "critical"),
    }
    assert all(incident["resolved_at"] for incident in incidents)
