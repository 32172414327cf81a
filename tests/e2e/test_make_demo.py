"""`make demo`: thirty days of history in the same warehouse as `make run`, with its events, then Airflow."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from include.ozon.configuration import load_settings
from include.ozon_local.demo.timeline import (
    ACCOUNTS,
    DECLINED_BRAND,
    LATE_BY,
    LATE_LOAD,
    MASS_HIDE,
    OUTAGE,
    OUTLET,
    SALE,
    SHOP,
    Load,
    loads,
)
from include.ozon_local.environment import WAREHOUSE_DATABASE
from include.ozon_local.home import ROOT, LocalHome
from include.ozon_local.postgres import WAREHOUSE_ROLE
from include.ozon_local.services import Services
from include.ozon_sandbox.process import SandboxProcess
from tests.support import process, scratch
from tests.support.agreement import assert_agreement
from tests.support.make import command, environment, make
from tests.support.pipeline import DATA_TABLES, Pipeline

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

# The limit, on a machine that does nothing else.
MOST_SECONDS = 180
GIVE_UP_SECONDS = 900

MINE = "account IN ('main', 'second')"
RECORDS = ("etl_workflow_executions", "etl_component_executions")


@dataclass(frozen=True)
class Demo:
    """The folder after `make run`, an interrupted `make demo` and a complete one."""

    home: Path
    warehouse: Pipeline
    output: str
    loads: list[Load]
    schedule: dict[str, str]
    before: dict[str, list[Any]]
    seconds: float
    """The duration of both calls of `make demo`."""

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        return self.warehouse.rows(query, *parameters)

    def dag_run_ids(self, numbers: range) -> list[str]:
        return [load.dag_run_id for load in self.loads if load.number in numbers]


def of_make_run(warehouse: Pipeline) -> dict[str, list[Any]]:
    """Return the rows of the accounts of `make run`."""
    return {
        table: warehouse.rows(f"SELECT t::text FROM ozon.{table} t WHERE {MINE} ORDER BY 1")
        for table in (*DATA_TABLES, *RECORDS)
    }


def schedule_of_an_idle_airflow() -> dict[str, str]:
    """Return a schedule whose last load was due two hours ago, since a new Airflow starts a younger one itself."""
    due = load_settings(environ={}).in_time_zone(datetime.now(UTC) - timedelta(hours=2))
    return {"OZON__SCHEDULE__ETL": f"{due.minute} {due.hour % 6}-23/6 * * *"}


def interrupt_demo(home: Path, schedule: dict[str, str]) -> None:
    """Send Ctrl-C to `make demo` in the middle of its loads."""
    run = subprocess.Popen(
        command("demo"),
        env=environment(home) | schedule,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert run.stdout
    days = (line for line in run.stdout if "visible:" in line)
    assert [next(days, None) is not None for _ in range(2)] == [True, True], "it ended before its second day"
    os.killpg(run.pid, signal.SIGINT)
    assert "Interrupted (SIGINT)" in run.communicate(timeout=60)[0]
    assert run.returncode != 0


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    home = scratch.new_folder("demo")
    schedule = schedule_of_an_idle_airflow()
    ran = make("run", home)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    services = Services(LocalHome(home))
    sandbox = cast(SandboxProcess, services.sandbox.admin())
    warehouse = Pipeline(sandbox, services.postgres.dsn(WAREHOUSE_DATABASE, WAREHOUSE_ROLE))
    before = of_make_run(warehouse)
    started = time.monotonic()
    interrupt_demo(home, schedule)
    done = make("demo", home, timeout_seconds=GIVE_UP_SECONDS, variables=schedule)
    assert done.returncode == 0, done.stdout + done.stderr
    seconds = time.monotonic() - started
    settings = load_settings(environ=services.environment() | schedule)
    tick_0_at = services.sandbox.configuration()["accounts"][SHOP]["tick_0_at"]
    planned = loads(settings, datetime.fromisoformat(tick_0_at), datetime.now(UTC))[:120]
    yield Demo(home, warehouse, done.stdout, planned, schedule, before, seconds)
    make("down", home)


def test_it_ends_with_the_address_of_the_page_and_the_sign_in(demo: Demo) -> None:
    *_, sign_in, page = demo.output.splitlines()

    url = re.fullmatch(r"Airflow +(\S+) \(user admin, password \S+\)", sign_in)
    assert url
    assert page.split() == ["Open", "first", f"{url[1]}/plugin/ozon"]
    assert requests.get(f"{url[1]}/api/v2/version", timeout=30).ok


def test_it_takes_less_than_three_minutes(demo: Demo) -> None:
    busy_with_other_things = max(1.0, os.getloadavg()[1] / (os.cpu_count() or 1))
    assert demo.seconds < MOST_SECONDS * busy_with_other_things


def test_each_load_of_thirty_days_is_recorded_at_its_moment(demo: Demo) -> None:
    for account in ACCOUNTS:
        found = demo.rows(
            "SELECT * FROM ozon.etl_workflow_executions WHERE account = %s AND trigger = 'scheduled' "
            "AND dag_run_id = ANY(%s) ORDER BY started_at",
            account,
            [load.dag_run_id for load in demo.loads],
        )
        assert [row["dag_run_id"] for row in found] == [load.dag_run_id for load in demo.loads]
        for row, load in zip(found, demo.loads, strict=True):
            delay = row["started_at"] - load.due_at
            expected = LATE_BY if load.number == LATE_LOAD else timedelta()
            assert expected <= delay < expected + timedelta(minutes=2), load
            assert row["status"] == ("failed" if load.number in OUTAGE else "success"), load
            longest = timedelta(hours=2) if load.number in OUTAGE else timedelta(minutes=2)
            assert row["finished_at"] - row["started_at"] < longest
    days = demo.rows("SELECT DISTINCT measured_at::date AS day FROM ozon.visibility_metrics WHERE account = %s", SHOP)
    assert len(days) >= 30


def test_the_share_of_visible_products_is_steady_but_for_the_events(demo: Demo) -> None:
    measured = demo.rows(
        "SELECT m.visible::float / m.products AS share, w.dag_run_id FROM ozon.visibility_metrics m "
        "JOIN ozon.etl_workflow_executions w USING (workflow_id) WHERE m.account = %s ORDER BY m.measured_at",
        SHOP,
    )
    hidden = set(demo.dag_run_ids(MASS_HIDE))
    declined = {load.dag_run_id for load in demo.loads[-2:]}
    usual = [row["share"] for row in measured if row["dag_run_id"] not in hidden | declined]
    assert 0.62 < min(usual) < max(usual) < 0.78
    assert max(row["share"] for row in measured if row["dag_run_id"] in hidden) < 0.55
    assert all(0.5 < row["share"] < 0.64 for row in measured if row["dag_run_id"] in declined)


def test_the_sale_is_in_the_price_history_and_over(demo: Demo) -> None:
    first, after = demo.loads[SALE.start - 1], demo.loads[SALE.stop - 1]
    rows = demo.rows(
        "SELECT h.price, h.old_price, h.valid_to - h.valid_from AS lasted FROM ozon.product_price_history h "
        "JOIN ozon.etl_workflow_executions w USING (workflow_id) WHERE h.account = %s AND w.dag_run_id = %s",
        SHOP,
        first.dag_run_id,
    )
    on_sale = [row for row in rows if row["old_price"] and 0.7 < row["price"] / row["old_price"] < 0.78]
    assert len(on_sale) > 500
    days = after.due_at - first.due_at
    assert sum(abs(row["lasted"] - days) < timedelta(minutes=5) for row in on_sale if row["lasted"]) > 400


def test_the_mass_hide_is_in_the_visibility_history_with_its_way_back(demo: Demo) -> None:
    first, after = demo.loads[MASS_HIDE.start - 1], demo.loads[MASS_HIDE.stop - 1]
    changes = {
        load.dag_run_id: demo.rows(
            "SELECT h.product_id, h.hidden_reasons FROM ozon.product_visibility_history h "
            "JOIN ozon.etl_workflow_executions w USING (workflow_id) "
            "WHERE h.account = %s AND w.dag_run_id = %s AND h.visibility = %s AND h.previous_visibility = %s",
            SHOP,
            load.dag_run_id,
            *moved,
        )
        for load, moved in ((first, ("HIDDEN", "VISIBLE")), (after, ("VISIBLE", "HIDDEN")))
    }
    hidden = {row["product_id"] for row in changes[first.dag_run_id]}
    back = {row["product_id"] for row in changes[after.dag_run_id]}
    assert len(hidden) > 350
    assert len(hidden & back) > 0.9 * len(hidden)
    details = demo.rows(
        "SELECT execution_details->'product_etl'->'guards' AS guards FROM ozon.etl_workflow_executions "
        "WHERE account = %s AND dag_run_id = %s",
        SHOP,
        first.dag_run_id,
    )
    assert "turned_invisible" in details[0]["guards"][0]


def test_the_outage_has_failed_attempts_and_the_next_load_makes_up_for_it(demo: Demo) -> None:
    for account in ACCOUNTS:
        for dag_run_id in demo.dag_run_ids(OUTAGE):
            attempts = demo.warehouse.attempts(dag_run_id=dag_run_id, account=account)
            assert [attempt["status"] for attempt in attempts] == ["failed"] * 4
            assert all("HTTP 503" in attempt["error"] for attempt in attempts)
            assert demo.warehouse.attempts("inventory_etl", dag_run_id, account) == []


def test_the_brand_is_still_declined_and_its_products_turned_invisible_within_a_day(demo: Demo) -> None:
    rows = demo.rows(
        "SELECT visibility, visibility_changed_at FROM ozon.products "
        "WHERE account = %s AND removed_at IS NULL AND NOT is_archived AND name LIKE %s",
        SHOP,
        f"%{DECLINED_BRAND}%",
    )
    assert {row["visibility"] for row in rows} == {"DECLINED"}
    recent = [row for row in rows if datetime.now(UTC) - row["visibility_changed_at"] < timedelta(hours=24)]
    assert len(recent) > 0.7 * len(rows) > 100


def test_histories_have_neither_gaps_nor_overlaps(demo: Demo) -> None:
    for table in ("product_visibility_history", "product_price_history"):
        broken = demo.rows(
            f"""SELECT * FROM (
                SELECT h.*, lead(valid_from) OVER (PARTITION BY account, product_id ORDER BY valid_from) AS next
                FROM ozon.{table} h
            ) h WHERE valid_to <= valid_from OR next < valid_to OR (next IS NOT NULL AND valid_to IS NULL)"""
        )
        assert broken == []
        open_rows = demo.rows(
            f"SELECT product_id FROM ozon.products p WHERE removed_at IS NULL AND price IS NOT NULL AND NOT EXISTS ("
            f"SELECT FROM ozon.{table} h WHERE (h.account, h.product_id) = (p.account, p.product_id) "
            "AND h.valid_to IS NULL)"
        )
        assert open_rows == []


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_warehouse_agrees_with_the_sandbox_row_by_row(demo: Demo, account: str) -> None:
    assert_agreement(demo.warehouse, account)


def test_incidents_have_a_history_and_one_is_open_and_one_acknowledged(demo: Demo) -> None:
    incidents = demo.rows("SELECT * FROM ozon.incidents WHERE account = ANY(%s)", list(ACCOUNTS))
    unresolved = {
        (row["account"], row["group"]): row["acknowledged_by"] for row in incidents if row["resolved_at"] is None
    }
    assert unresolved.pop((OUTLET, "api_access"))
    assert unresolved == {(SHOP, "visibility"): None}
    resolved = {row["group"] for row in incidents if row["resolved_at"]}
    assert {"visibility", "api_availability", "loads"} <= resolved
    assert all(row["opened_at"] <= row["resolved_at"] for row in incidents if row["resolved_at"])


def test_what_make_run_loaded_before_is_unchanged(demo: Demo) -> None:
    after = of_make_run(demo.warehouse)
    for table in DATA_TABLES:
        assert after[table] == demo.before[table]
    for table in RECORDS:
        assert [row for row in after[table] if row in demo.before[table]] == demo.before[table]


def test_the_moved_clock_is_gone_and_airflow_knows_all_accounts(demo: Demo) -> None:
    assert demo.rows("SELECT nspname FROM pg_namespace WHERE nspname = 'ozon_clock'") == []
    script = f"""eval "$({" ".join(command("env"))})"; ozon config show | grep -E "accounts" """
    done = process.run("bash", "-euc", script, env=environment(demo.home) | demo.schedule, timeout_seconds=120)
    assert all(account in done.stdout for account in (*ACCOUNTS, "main", "second")), done.stdout + done.stderr


def test_a_second_demo_changes_nothing_and_takes_seconds(demo: Demo) -> None:
    count = "SELECT count(*) FROM ozon.etl_workflow_executions WHERE account = ANY(%s)"
    before = demo.warehouse.value(count, list(ACCOUNTS))
    started = time.monotonic()

    done = make("demo", demo.home, variables=demo.schedule)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "there already" in done.stdout
    assert done.stdout.splitlines()[-1] == demo.output.splitlines()[-1]
    assert demo.warehouse.value(count, list(ACCOUNTS)) == before
    assert time.monotonic() - started < 60
