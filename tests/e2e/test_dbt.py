"""The real dbt on a loaded warehouse: models, their tests, and the freshness of the sources."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.metrics.store import save
from include.ozon.warehouse.session import open_session
from include.ozon_local.bootstrap import settings_of_pip
from include.ozon_local.environment import proxy_exceptions
from include.ozon_local.home import ROOT
from include.ozon_local.postgres import EmbeddedPostgres
from tests.e2e.conftest import ACCOUNTS
from tests.support import process, scratch
from tests.support.bi import bi_reader, dbt_role
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.long

PROJECT = ROOT / "dbt"


class Dbt:
    """The program in its own environment, as the role of docs/dbt.md."""

    def __init__(self, program: Path, dsn: str, reader_dsn: str) -> None:
        self.program = program
        self.reader_dsn = reader_dsn
        self.target = scratch.new_folder("dbt")
        address = urlsplit(dsn)
        self.environment = {
            **os.environ,
            **proxy_exceptions(os.environ),
            "PGHOST": str(address.hostname),
            "PGPORT": str(address.port),
            "PGDATABASE": address.path.removeprefix("/"),
            "PGUSER": str(address.username),
            "PGPASSWORD": str(address.password),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(self.target),
        }

    def __call__(self, *arguments: str) -> process.Done:
        return process.run(self.program, "--no-use-colors", *arguments, env=self.environment, cwd=PROJECT)

    def freshness(self, **variables: object) -> tuple[int, dict[str, str]]:
        """Return the exit code, and the status of each table and view."""
        done = self("source", "freshness", "--vars", json.dumps(variables))
        results = json.loads((self.target / "sources.json").read_text())["results"]
        return done.returncode, {
            result["unique_id"].removeprefix("source.ozon."): result["status"] for result in results
        }


@pytest.fixture(scope="module")
def program() -> Path:
    """The program, installed from the lock into an environment of its own, as docs/dbt.md does."""
    folder = scratch.new_folder("dbt-environment")
    python = folder / "bin" / "python"
    uv = (sys.executable, "-m", "uv", "--quiet")
    settings = {**os.environ, **settings_of_pip()}
    for command in (
        (*uv, "venv", "--python", sys.executable, folder),
        (*uv, "pip", "sync", "--python", python, "--require-hashes", PROJECT / "requirements.txt"),
    ):
        done = process.run(*command, env=settings)
        assert done.returncode == 0, done.stderr
    return python.with_name("dbt")


@pytest.fixture
def dbt(program: Path, postgres: EmbeddedPostgres, warehouse: Pipeline) -> Iterator[Dbt]:
    with bi_reader(postgres, warehouse.dsn) as reader_dsn, dbt_role(postgres, warehouse.dsn) as dsn:
        yield Dbt(program, dsn, reader_dsn)


def load(warehouse: Pipeline, dag_run_id: str) -> None:
    for account in ACCOUNTS:
        assert warehouse.load(dag_run_id, account) == "success"
        with open_session(warehouse.connect, warehouse.settings.warehouse, "test") as connection:
            save(connection, measure(connection, account, datetime.now(tz=UTC), warehouse.settings))


def built(dbt: Dbt, model: str, columns: str = "count(*)") -> list[tuple[Any, ...]]:
    """Return rows of a model, as the role of docs/bi.md."""
    with psycopg.connect(dbt.reader_dsn) as connection:
        return sorted(connection.execute(f"SELECT {columns} FROM ozon_dbt.stg_ozon__{model}".encode()).fetchall())


def test_build_answers_the_models_questions_and_keeps_the_days(dbt: Dbt, warehouse: Pipeline) -> None:
    load(warehouse, "yesterday")
    warehouse.execute("UPDATE ozon.visibility_metrics SET measured_at = measured_at - interval '1 day'")
    warehouse.sandbox.fault("change_prices", share=0.1, factor=0.5)
    warehouse.sandbox.tick()
    load(warehouse, "today")
    warehouse.sandbox.clear_faults()
    sold_out = warehouse.value("SELECT min(product_id) FROM ozon_bi.stock WHERE visibility = 'VISIBLE'")
    warehouse.execute("UPDATE ozon.inventory SET present = 0, reserved = 0 WHERE product_id = %s", sold_out)

    done = dbt("build")

    assert done.returncode == 0, done.stdout
    results = json.loads((dbt.target / "run_results.json").read_text())["results"]
    assert {result["status"] for result in results} == {"success", "pass"}
    assert built(dbt, "products") == [(warehouse.value("SELECT count(*) FROM ozon.products WHERE removed_at IS NULL"),)]
    changes = built(dbt, "price_changes", "account, product_id, previous_price, price")
    changed = warehouse.rows(
        "SELECT account, product_id, previous_price, price FROM ozon.product_price_history "
        "WHERE previous_price <> price AND valid_to IS NULL"
    )
    assert changes == sorted(tuple(row.values()) for row in changed)
    assert changes
    turned = built(dbt, "turned_invisible", "account, product_id")
    closed = warehouse.rows(
        "SELECT account, product_id FROM ozon.product_visibility_history h JOIN ozon.products p USING "
        "(account, product_id) WHERE h.visibility = 'VISIBLE' AND h.valid_to IS NOT NULL "
        "AND (p.visibility <> 'VISIBLE' OR p.removed_at IS NOT NULL)"
    )
    assert turned == sorted(tuple(row.values()) for row in closed)
    assert turned
    assert built(dbt, "out_of_stock", "product_id") == [(sold_out,)]
    days = built(dbt, "daily_visibility", "account, day")
    assert len(days) == 2 * len(ACCOUNTS)

    warehouse.execute("DELETE FROM ozon.visibility_metrics WHERE measured_at < now() - interval '12 hours'")
    assert dbt("build", "--select", "stg_ozon__daily_visibility").returncode == 0
    assert built(dbt, "daily_visibility", "account, day") == days


def test_freshness_is_that_of_the_account_that_was_not_loaded(dbt: Dbt, warehouse: Pipeline) -> None:
    load(warehouse, "once")

    exit_code, fresh = dbt.freshness()
    assert (exit_code, set(fresh.values())) == (0, {"pass"})

    # The rows of the data keep their changed_at, so nothing else can show the age.
    age = (
        "UPDATE ozon.etl_component_executions SET started_at = started_at - make_interval(hours => %s), "
        "finished_at = finished_at - make_interval(hours => %s) WHERE account = 'second' "
        "AND component = 'inventory_etl'"
    )
    warehouse.execute(age, 9, 9)
    exit_code, old = dbt.freshness()
    assert exit_code == 0
    stock = {"ozon_bi.stock", "ozon_bi.stock_by_warehouse", "ozon_bi.stock_history"}
    stock |= {"ozon.inventory", "ozon.inventory_by_warehouse", "ozon.inventory_history"}
    assert {name for name, status in old.items() if status == "warn"} == stock
    assert {status for name, status in old.items() if name not in stock} == {"pass"}

    warehouse.execute(age, 6, 6)
    exit_code, older = dbt.freshness()
    assert exit_code == 1
    assert {name for name, status in older.items() if status == "error"} == stock

    exit_code, named = dbt.freshness(ozon_accounts=["main"])
    assert (exit_code, set(named.values())) == (0, {"pass"})
    exit_code, misspelt = dbt.freshness(ozon_accounts=["main", "secnod"])
    assert exit_code == 1
    assert "pass" not in misspelt.values()
