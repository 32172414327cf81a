"""The context of the health check, with missing and wrong connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseHook
from airflow.sdk.execution_time.cache import SecretCache

from include.ozon.adapter.health import context as health
from include.ozon.configuration import load_settings
from include.ozon.errors import ConnectionSettingsError
from include.ozon.marketplace import client
from include.ozon.monitoring.health import areas
from include.ozon.monitoring.health.checks import Area, Check, HealthContext
from include.ozon.monitoring.health.machine import LOG_FILES
from include.ozon.monitoring.results import Judgement, Status
from include.ozon.settings import Settings
from tests.support.pipeline import changed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = load_settings(environment="testing", environ={})
TOKEN = "5f2c1a9e-token"


@pytest.fixture(autouse=True)
def no_cache() -> Iterator[None]:
    SecretCache.reset()
    yield
    SecretCache.reset()


def test_every_area_of_the_configuration_has_its_checks() -> None:
    assert SETTINGS.health.checks == list(areas.AREA_NAMES)


def test_a_missing_connection_is_reported_by_the_checks_that_need_it() -> None:
    context = health.health_context(SETTINGS, NOW, None)
    with pytest.raises(ConnectionSettingsError, match="ozon_warehouse"):
        context.connection()
    with pytest.raises(ConnectionSettingsError, match="ozon_api_main"):
        context.open_client("main")
    context.close()


def test_a_warehouse_that_did_not_answer_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def late_connect(_: object) -> Any:
        def connect() -> None:
            tries.append(1)
            raise ConnectionSettingsError("no warehouse")

        return connect

    monkeypatch.setattr(health, "late_warehouse_connect", late_connect)
    context = health.health_context(SETTINGS, NOW, None)
    for _ in range(3):
        with pytest.raises(ConnectionSettingsError, match="no warehouse"):
            context.connection()
    assert len(tries) == 1


@pytest.mark.parametrize(("folder", "is_local"), [("reports", True), ("/srv/reports", True), ("s3://aws@x/y", False)])
def test_the_folders_are_those_that_are_written_to(
    folder: str, is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/home/airflow")
    context = health.health_context(changed(SETTINGS, "reports", folder=folder), NOW, None)
    reports = [Path("/home/airflow") / folder] if is_local else []
    assert context.folders == [context.log_folder, *reports]


def test_the_check_sends_each_request_once_and_not_at_the_loads_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"conn_type": "http", "host": "http://127.0.0.1:1", "login": "101", "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_OZON_API_MAIN", json.dumps(fields))
    seen: dict[str, Any] = {}
    monkeypatch.setattr(client, "SellerClient", lambda _, api, pacer, observe: seen.update(api=api, pacer=pacer))
    context = health.health_context(changed(SETTINGS, "health", api_timeout_seconds=3), NOW, None)
    context.open_client("main")
    first = seen["pacer"]
    context.open_client("main")
    api = seen["api"]
    assert (api.attempts, api.read_timeout_seconds, api.connect_timeout_seconds) == (1, 3, 3)
    assert (api.exchange_timeout_seconds, api.longest_retry_after_seconds) == (3, 900)
    assert seen["pacer"] is first
    assert first is not client.shared_pacer("http://127.0.0.1:1 101", SETTINGS.api.requests_per_second)


def breaks(_: HealthContext) -> Iterator[Check]:
    yield Check(LOG_FILES, lambda: Judgement(Status.OK, "Few."))
    raise ValueError("nonsense")


def test_an_area_that_breaks_is_one_more_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "AREAS", [Area("machine", [LOG_FILES], breaks)])
    results = health.measure_area("machine", SETTINGS, NOW, None)
    assert [(each.check, each.status) for each in results] == [
        ("log_files", Status.OK),
        ("unmeasured", Status.ERROR),
    ]
    assert results[1].message == "nonsense"


def test_a_context_that_cannot_be_made_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*_: object) -> HealthContext:
        raise OSError("no log folder")

    monkeypatch.setattr(health, "health_context", cannot)
    (result,) = health.measure_area("api", SETTINGS, NOW, None)
    assert (result.area, result.check, result.status) == ("api", "unmeasured", Status.ERROR)


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ({"host": "https://hc.example/ping/t?a=1"}, "https://hc.example/ping/t?a=1"),
        ({"host": "https://hc.example/t", "port": 8443}, "https://hc.example:8443/t"),
        ({"host": "hc.example", "schema": "https"}, "https://hc.example"),
        ({"host": "hc.example/t", "port": 81}, "http://hc.example:81/t"),
        ("https://hc.example/t", "https://hc.example/t"),
        ("http://https%3A%2F%2Fhc.example%2Fping%2Ft", "https://hc.example/ping/t"),
    ],
)
def test_the_heartbeats_address_may_be_given_whole_or_in_parts(
    connection: str | dict[str, Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = connection if isinstance(connection, str) else json.dumps({"conn_type": "http", **connection})
    monkeypatch.setenv("AIRFLOW_CONN_DEAD_MAN", value)
    assert health.heartbeat_url(BaseHook.get_connection("dead_man")) == url


def test_no_heartbeat_is_sent_where_none_is_configured() -> None:
    assert health.ping_heartbeat(SETTINGS) is None


@pytest.mark.parametrize(
    "value", [None, "{broken", '{"conn_type": "http"}', f"http://http%3A%2F%2F127.0.0.1:1/{TOKEN}"]
)
def test_a_heartbeat_that_cannot_be_sent_is_logged_without_its_address(
    value: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if value is not None:
        monkeypatch.setenv("AIRFLOW_CONN_DEAD_MAN", value)
    settings: Settings = changed(SETTINGS, "health", heartbeat_connection="dead_man")
    assert health.ping_heartbeat(settings) is False
    assert "eartbeat" in caplog.text
    assert TOKEN not in caplog.text
