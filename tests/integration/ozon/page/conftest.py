from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include.ozon.monitoring.health.store import save as save_health
from include.ozon.monitoring.metrics.judged import judge_and_store
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_session
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support.page import Page, open_page
from tests.support.pipeline import Pipeline, changed, quick_settings
from tests.support.sandboxes import Sandboxes
from tests.support.servers import running_server

DAG_RUNS = ("manual__2026-11-28T20:55:16+00:00", "scheduled__2026-11-29T02:00:00+00:00")
SETTINGS = changed(
    changed(quick_settings(), "inventory", ozon_warehouses=True), "guards.turned_invisible", level="warn"
)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"

_numbers = itertools.count(1)


@pytest.fixture
def empty_page(warehouse_dsn: str) -> Iterator[Page]:
    """The page of a warehouse that nothing has been loaded into."""
    with open_page(warehouse_dsn, quick_settings()) as page:
        yield page


@pytest.fixture(scope="session")
def loaded_template(postgres: EmbeddedPostgres, warehouse_template: str, sandboxes: Sandboxes) -> str:
    """The name of a warehouse to copy: two loads of two accounts, measured, with changes and rejected items."""
    name = "page_template"
    postgres.create_database(name, WAREHOUSE_ROLE, template=warehouse_template)
    accounts = {"main": 300, "second": 100}
    with sandboxes.borrow(accounts, rate_limit_per_second=100_000, analytics_seconds_between_requests=0) as sandbox:
        pipeline = Pipeline(sandbox, postgres.dsn(name, WAREHOUSE_ROLE), SETTINGS)
        for dag_run_id in DAG_RUNS:
            for account in accounts:
                pipeline.load(dag_run_id, account)
                with open_session(pipeline.connect, SETTINGS.warehouse, "test") as connection:
                    judge_and_store(connection, measure(connection, account, datetime.now(tz=UTC), SETTINGS), SETTINGS)
            sandbox.fault("hide_share", share=0.1)
            sandbox.fault("change_prices", share=0.1, factor=0.5)
            sandbox.fault("drop_field", method="/v3/product/info/list", field="sku", share=0.02)
            sandbox.tick()
    return name


@pytest.fixture
def loaded(postgres: EmbeddedPostgres, loaded_template: str, sandbox: SandboxProcess) -> Iterator[Pipeline]:
    """The test's own copy of the loaded warehouse."""
    name = f"page_{next(_numbers)}"
    postgres.create_database(name, WAREHOUSE_ROLE, template=loaded_template)
    yield Pipeline(sandbox, postgres.dsn(name, WAREHOUSE_ROLE), SETTINGS)
    postgres.drop_database(name)


@pytest.fixture
def on_own_server() -> Iterator[tuple[EmbeddedPostgres, str]]:
    """A server that a test may stop, with an empty warehouse and its DSN."""
    with running_server("stopped-postgres", durable=True) as server:
        server.create_database("warehouse", WAREHOUSE_ROLE)
        dsn = server.dsn("warehouse", WAREHOUSE_ROLE)
        schema.upgrade(lambda: psycopg.connect(dsn))
        yield server, dsn


@pytest.fixture
def page(loaded: Pipeline) -> Iterator[Page]:
    """The page of a loaded warehouse, with an incident; each text that comes from outside contains markup."""
    add_incident(loaded)
    with open_session(loaded.connect, loaded.settings.warehouse, "test") as connection:
        result = CheckResult("data", "product_etl_age_hours", "main", Status.WARNING, 9.0, 8.0, EVIL)
        save_health(connection, datetime.now(tz=UTC) - timedelta(minutes=3), [result])
    loaded.execute("UPDATE ozon.products SET name = %s, offer_id = %s || product_id", EVIL, EVIL)
    loaded.execute("UPDATE ozon.products SET hidden_reasons = ARRAY[%s] WHERE visibility <> 'VISIBLE'", EVIL)
    loaded.execute("UPDATE ozon.rejected_items SET reason = 'sku: ' || %s, payload = jsonb_build_object('x', %s::text)",
                   EVIL, EVIL)  # fmt: skip
    loaded.execute(
        """
        UPDATE ozon.etl_workflow_executions SET error = %s, execution_details = execution_details
            || jsonb_build_object('product_etl', jsonb_build_object(
                'guards', jsonb_build_array(%s::text), 'warnings', jsonb_build_array(%s::text)))
        """,
        EVIL, EVIL, EVIL,
    )  # fmt: skip
    settings = loaded.settings
    accounts = {
        key: account.model_copy(update={"title": f"{key} {EVIL}"}) for key, account in settings.accounts.items()
    }
    with open_page(loaded.dsn, settings.model_copy(update={"accounts": accounts})) as page:
        yield page


def add_incident(pipeline: Pipeline, incident_id: str = "abc", account: str | None = "main") -> None:
    """Add an open, critical incident with one alert."""
    pipeline.execute(
        'INSERT INTO ozon.incidents (incident_id, "group", account, level, opened_at) '
        "VALUES (%s, 'runs', %s, 'critical', now() - interval '2 hours')",
        incident_id,
        account,
    )
    pipeline.execute(
        "INSERT INTO ozon.alerts (alert_id, rule, account, level, opened_at, last_seen_at, message, incident_id) "
        "VALUES (%s, 'product_etl_age_hours', %s, 'critical', now() - interval '2 hours', now(), %s, %s)",
        f"alert of {incident_id}",
        account,
        EVIL,
        incident_id,
    )
