"""The API's checks, with a real cause for each status."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.monitoring.health import api
from include.ozon.monitoring.health.checks import HealthContext
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon_local.postgres import EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import StartSandbox
from tests.support.health import health_context, run_all
from tests.support.pipeline import Pipeline, changed
from tests.support.scripted_server import Answer, Server

KEYS_CHECKS = ("api_reachable", "api_key", "api_key_expires_days", "api_methods")
EXPIRES_AT = datetime(2030, 5, 1, 12, tzinfo=UTC)

OK, WARNING, CRITICAL = Status.OK, Status.WARNING, Status.CRITICAL
NOTHING, BROKEN = Status.UNKNOWN, Status.ERROR


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    accounts = {"main": {"size": 200, "key_expires_at": EXPIRES_AT.isoformat()}, "second": {"size": 100}}
    return start_sandbox(accounts, rate_limit_per_second=100_000)


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    return Pipeline(sandbox, warehouse_dsn)


@pytest.fixture
def scripted() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def of_key(pipeline: Pipeline, account: str = "main", **options: Any) -> dict[str, CheckResult]:
    return results_of(health_context(pipeline, **options), KEYS_CHECKS, account)


def results_of(context: HealthContext, names: tuple[str, ...], account: str = "main") -> dict[str, CheckResult]:
    wanted = [check for check in api.checks(context) if check.rule.name in names and check.account == account]
    return {result.check: result for result in run_all(wanted, context)}


def states(results: dict[str, CheckResult]) -> list[Status]:
    """Return the results of the key's checks, in order."""
    return [results[name].status for name in KEYS_CHECKS]


def test_a_good_key_passes_all_checks_with_one_request_for_each_account(pipeline: Pipeline) -> None:
    found = of_key(pipeline)
    assert pipeline.requests("main") == {"/v1/roles": 1}
    assert pipeline.requests("second") == {}

    assert states(found) == [OK] * 4
    assert found["api_methods"].message == "The key of account main may call all 5 methods that the load needs."
    results = run_all(api.checks(health_context(pipeline)), health_context(pipeline))
    assert [(result.account, result.check) for result in results] == [
        (account, check)
        for account in ("main", "second")
        for check in (*KEYS_CHECKS, "api_error_rate_pct", "api_rate_limited_pct")
    ]


@pytest.mark.parametrize(
    ("days", "status"),
    [(14.1, OK), (13.9, WARNING), (3.1, WARNING), (2.9, CRITICAL), (-1, CRITICAL)],
)
def test_the_end_of_a_key_is_announced(pipeline: Pipeline, days: float, status: Status) -> None:
    found = of_key(pipeline, now=EXPIRES_AT - timedelta(days=days))["api_key_expires_days"]

    assert (found.status, found.value) == (status, days)
    assert "2030-05-01 15:00 MSK" in found.message


def test_a_key_that_has_expired_is_refused(start_sandbox: StartSandbox, warehouse_dsn: str) -> None:
    expired = datetime.now(UTC) - timedelta(minutes=1)
    pipeline = Pipeline(start_sandbox({"main": {"size": 10, "key_expires_at": expired.isoformat()}}), warehouse_dsn)

    found = of_key(pipeline)

    assert states(found) == [OK, CRITICAL, NOTHING, NOTHING]
    assert "Api-key is deactivated" in found["api_key"].message


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("key_deactivated", "Api-key is deactivated"),
        ("key_unknown", "Invalid Api-Key"),
        ("address_restricted", "restricted to specific IP addresses"),
        ("offer_not_signed", "Offer not signed"),
    ],
)
def test_a_key_that_ozon_refuses_is_reported_once(pipeline: Pipeline, fault: str, reason: str) -> None:
    pipeline.sandbox.fault(fault, account="main")

    found = of_key(pipeline)

    assert states(found) == [OK, CRITICAL, NOTHING, NOTHING]
    assert found["api_key"].message.startswith("Ozon refuses access to account main: ")
    assert reason in found["api_key"].message
    assert pipeline.sandbox.accounts["main"].api_key not in str(found)
    assert states(of_key(pipeline, "second")) == [OK] * 4


def test_a_key_without_its_roles_is_not_a_wrong_key(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("role_missing")

    found = of_key(pipeline)

    assert states(found) == [OK, OK, NOTHING, CRITICAL]
    assert "missing a required role" in found["api_methods"].message


@pytest.mark.parametrize("fault", ["rate_limited", "circle_open"])
def test_an_api_that_asks_to_wait_is_there(pipeline: Pipeline, fault: str) -> None:
    pipeline.sandbox.fault(fault)
    assert states(of_key(pipeline)) == [OK, NOTHING, NOTHING, NOTHING]


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("server_error", {"status": 500}),
        ("server_error", {"status": 503}),
        ("method_obsolete", {}),
        ("not_json", {}),
        ("broken_connection", {}),
        ("latency", {"ms": 3_000}),
        ("dripping", {"seconds_between_bytes": 0.1}),
        ("html_forbidden", {}),
    ],
)
def test_an_api_that_does_not_answer_is_reported_once(pipeline: Pipeline, fault: str, options: dict[str, Any]) -> None:
    pipeline.sandbox.fault(fault, **options)
    pipeline.settings = changed(pipeline.settings, "api", read_timeout_seconds=0.3, exchange_timeout_seconds=0.5)

    found = of_key(pipeline)

    assert states(found) == [CRITICAL, BROKEN, BROKEN, BROKEN]
    assert found["api_reachable"].message.startswith("The Seller API cannot be used for account main: /v1/roles")
    assert sum(pipeline.requests().values()) == 1


def test_an_unreachable_api_is_reported_once(start_sandbox: StartSandbox, warehouse_dsn: str) -> None:
    sandbox = start_sandbox({"main": 10})
    sandbox.stop()

    found = of_key(Pipeline(sandbox, warehouse_dsn))

    assert states(found) == [CRITICAL, BROKEN, BROKEN, BROKEN]
    assert "refuses connections" in found["api_reachable"].message


def test_an_account_without_a_connection_has_no_key(warehouse_dsn: str) -> None:
    found = results_of(health_context(warehouse_dsn), KEYS_CHECKS)

    assert states(found) == [NOTHING, CRITICAL, NOTHING, NOTHING]
    assert found["api_key"].message == "Account main has no key: Airflow has no connection ozon_api_main."


def test_an_error_of_the_request_itself_is_an_error_of_each_check(warehouse_dsn: str) -> None:
    context = health_context(warehouse_dsn)

    def no_secrets_backend(account: str) -> SellerClient:
        raise RuntimeError("the secrets backend does not answer")

    context.open_client = no_secrets_backend

    assert states(results_of(context, KEYS_CHECKS)) == [BROKEN] * 4


def asking(server: Server, context: HealthContext, **inventory: Any) -> dict[str, CheckResult]:
    """Return the results with the answers of a server that is not Ozon's."""
    context.settings = changed(context.settings, "inventory", **inventory)
    credentials = Credentials(server.url, "101", "key", "ozon_api_main")
    context.open_client = lambda _: SellerClient(credentials, context.settings.api, stop=threading.Event())
    return results_of(context, KEYS_CHECKS)


LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"
SELLERS = ("/v2/warehouse/list", "/v1/product/info/warehouse/stocks")
ANALYTICS = "/v1/analytics/stocks"


@pytest.mark.parametrize(
    ("inventory", "allowed", "missing"),
    [
        ({"seller_warehouses": False}, [LIST, DETAILS, STOCKS], []),
        ({"seller_warehouses": False}, [LIST, STOCKS], [DETAILS]),
        ({}, [LIST, DETAILS, STOCKS], [*SELLERS]),
        ({"ozon_warehouses": True}, [LIST, DETAILS, STOCKS, *SELLERS], [ANALYTICS]),
        ({"ozon_warehouses": True}, [LIST, DETAILS, STOCKS, *SELLERS, ANALYTICS], []),
        ({"seller_warehouses": False}, ["/v1/roles"], [LIST, DETAILS, STOCKS]),
        ({}, ["/v3/product", "/v4", *SELLERS], []),
    ],
)
def test_a_key_needs_the_methods_that_this_configuration_loads(
    scripted: Server, warehouse_dsn: str, inventory: dict[str, bool], allowed: list[str], missing: list[str]
) -> None:
    # Each in a separate role.
    roles = [{"name": path, "methods": [path]} for path in allowed]
    scripted.answers = [Answer(body={"expires_at": "2100-01-01T00:00:00Z", "roles": roles})]

    found = asking(scripted, health_context(warehouse_dsn), **inventory)["api_methods"]

    assert (found.status, found.value) == (CRITICAL if missing else OK, len(missing))
    if missing:
        assert f"may not call {', '.join(missing)}, which the load needs" in found.message


@pytest.mark.parametrize(
    "end",
    [
        {},
        {"expires_at": None},
        {"expires_at": ""},
        {"expires_at": "0001-01-01T00:00:00Z", "roles": [{"name": "Admin", "methods": []}]},
        {"expires_at": "0001-01-01T00:00:00Z", "roles": [{"name": "Admin"}]},
        {"roles": None},
    ],
)
def test_a_key_without_expiry_and_an_answer_without_roles_raise_no_alarm(
    scripted: Server, warehouse_dsn: str, end: dict[str, Any]
) -> None:
    scripted.answers = [Answer(body=end)]

    found = asking(scripted, health_context(warehouse_dsn))

    assert states(found) == [OK, OK, OK, NOTHING]
    assert "reports no expiry date" in found["api_key_expires_days"].message


def test_an_untrusted_certificate_or_wrong_scheme_is_not_a_missing_connection(
    scripted: Server, warehouse_dsn: str
) -> None:
    scripted.url = scripted.url.replace("http:", "https:")

    found = asking(scripted, health_context(warehouse_dsn))

    assert found["api_reachable"].status is CRITICAL
    assert "does not speak TLS" in found["api_reachable"].message
    assert "no key" not in found["api_key"].message


USAGE = ("api_error_rate_pct", "api_rate_limited_pct")


def load_with_faults(pipeline: Pipeline, fault: str, times: int, **options: Any) -> None:
    """A load that succeeds after retries, with small pages and so with many requests."""
    pipeline.settings = changed(
        pipeline.settings, "api", page_size=5, details_batch_size=5, attempts=20, retry_budget_seconds=60
    )
    pipeline.sandbox.fault(fault, method="/v4/product/info/stocks", times=times, **options)
    pipeline.load()


def test_an_account_that_was_not_loaded_has_no_rates(pipeline: Pipeline) -> None:
    for found in results_of(health_context(pipeline), USAGE).values():
        assert found.status == Status.UNKNOWN
        assert found.message == "Account main has sent no requests in the last 24 hours."


def test_rates_are_of_the_last_day(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.ozon.marketplace.pacer.LONGEST_WAIT_SECONDS", 0.001)
    load_with_faults(pipeline, "rate_limited", times=15, retry_after_seconds=0)
    (stocks,) = pipeline.attempts("inventory_etl")
    requests = pipeline.value("SELECT sum(api_requests)::int FROM ozon.etl_component_executions")
    assert (stocks["api_retries"], stocks["api_rate_limited"]) == (15, 15)

    now = results_of(health_context(pipeline), USAGE)
    tomorrow = results_of(health_context(pipeline, now=datetime.now(UTC) + timedelta(hours=24)), USAGE)

    for found in now.values():
        assert found.status is WARNING
        assert found.value == pytest.approx(100 * 15 / requests, abs=0.001)
        assert f"15 of {requests} requests of account main in the last 24 hours" in found.message
    assert {found.status for found in tomorrow.values()} == {Status.UNKNOWN}


@pytest.mark.parametrize(("retries", "status"), [(5, OK), (6, WARNING), (25, WARNING), (26, CRITICAL)])
@pytest.mark.parametrize(("check", "column"), [(USAGE[0], "api_retries"), (USAGE[1], "api_rate_limited")])
def test_a_rate_above_its_limits_is_bad(
    pipeline: Pipeline, check: str, column: str, retries: int, status: Status
) -> None:
    pipeline.load()
    pipeline.execute("UPDATE ozon.etl_component_executions SET api_requests = 50, api_retries = 0")
    pipeline.execute(f"UPDATE ozon.etl_component_executions SET {column} = %s WHERE component = 'product_etl'", retries)

    found = results_of(health_context(pipeline), USAGE)

    assert (found[check].status, found[check].value) == (status, retries)
    other = next(name for name in USAGE if name != check)
    assert found[other].status is OK


def test_a_rate_of_few_requests_is_ok(pipeline: Pipeline) -> None:
    pipeline.load()
    pipeline.execute("UPDATE ozon.etl_component_executions SET api_requests = 9, api_retries = 9, api_rate_limited = 9")
    assert {found.status for found in results_of(health_context(pipeline), USAGE).values()} == {OK}


def test_without_the_warehouse_the_key_is_checked_all_the_same(pipeline: Pipeline, postgres: EmbeddedPostgres) -> None:
    postgres.drop_database(pipeline.dsn.rpartition("/")[2])

    found = results_of(health_context(pipeline), (*KEYS_CHECKS, *USAGE))

    assert states(found) == [OK] * 4
    assert {found[name].status for name in USAGE} == {BROKEN}
