"""The views of the runs and of one run."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest

from include.ozon.pipeline.phases import PHASES
from include.ozon.words import number
from tests.integration.ozon.page.conftest import DAG_RUNS, EVIL
from tests.support.page import ROOT, Html, Page
from tests.support.pipeline import Pipeline
from tests.support.records import record_attempt, record_workflow

MANUAL, SCHEDULED = DAG_RUNS
YEAR = 1460


def rows_of(html: str) -> list[str]:
    """Return the texts of a document's table rows, on one line each."""
    return [" ".join(Html(f"<tr{row}").text.split()) for row in html.split("<tr")[1:]]


def run(page: Page, dag_run_id: str = SCHEDULED, account: str = "main", **parameters: str) -> Any:
    return page.get(f"/runs/{quote(dag_run_id)}/{account}?{urlencode(parameters)}")


def ids(page: Page, path: str) -> list[str]:
    """Return the addresses of the runs in a list, in order."""
    html = Html(page.get(path).text)
    return [href for a in html.all("a") if (href := a.get("href") or "").startswith(f"{ROOT}/runs/")]


def test_a_run_shows_the_numbers_of_each_component(page: Page, loaded: Pipeline) -> None:
    products, inventory = (loaded.attempts(name, SCHEDULED)[0] for name in ("product_etl", "inventory_etl"))
    shown = rows_of(run(page).text)

    for title, name in (
        ("Read", "rows_read"), ("= inserted", "rows_inserted"), ("+ updated", "rows_updated"),
        ("+ unchanged", "rows_unchanged"), ("+ rejected", "rows_rejected"), ("Removed", "rows_removed"),
        ("Requests", "api_requests"), ("Retries", "api_retries"),
    ):  # fmt: skip
        (row,) = [row for row in shown if row.startswith(title)]
        assert row.endswith(f"{number(products[name])} {number(inventory[name])}")
    assert products["rows_updated"] > 20
    visible = number(products["visibility_counts"]["VISIBLE"])
    assert any(f"Visible {visible}" in row for row in shown)


def test_the_time_is_a_bar_for_each_attempt_from_its_start(page: Page, loaded: Pipeline) -> None:
    option = json.loads(run(page).text.split('<script type="application/json">')[1].split("</script>")[0])
    recorded = loaded.workflow(SCHEDULED)["execution_details"]["seconds"]
    before, *phases, other = option["series"]

    assert [series["name"] for series in phases] == ["Waiting", "Downloading", "Staging", "Comparing", "Merging"]
    for place, key in enumerate(("product_etl/1", "inventory_etl/1")):
        assert [series["data"][place]["value"] for series in phases] == [recorded[key][phase] for phase in PHASES]
        attempt = loaded.attempts(key.partition("/")[0], SCHEDULED)[0]
        total = sum(series["data"][place]["value"] for series in [*phases, other])
        assert total == pytest.approx(attempt["duration_seconds"], abs=0.01)
        since_start = attempt["started_at"] - loaded.workflow(SCHEDULED)["started_at"]
        assert before["data"][place] == pytest.approx(since_start.total_seconds(), abs=0.01)


def test_attempts_without_recorded_phases_and_running_ones_are_shown(page: Page, loaded: Pipeline) -> None:
    record_workflow(loaded.dsn, "odd")
    hour_ago = datetime.now(tz=UTC) - timedelta(hours=1)
    record_attempt(loaded.dsn, "odd", status="failed", error="It broke.", started_at=hour_ago, finished_at=hour_ago)
    record_attempt(loaded.dsn, "odd", attempt=2)
    record_workflow(loaded.dsn, "none")

    answer = run(page, "odd")
    text = " ".join(Html(answer.text).text.split())
    assert (answer.status_code, "attempt 1 failed" in text, "attempt 2 running" in text) == (200, True, True)
    assert "It broke." in text
    assert "No component has begun." in run(page, "none").text


def test_rejected_items_are_grouped_by_reason_with_ten_examples(page: Page, loaded: Pipeline) -> None:
    loaded.execute("DELETE FROM ozon.rejected_items")
    with psycopg.connect(loaded.dsn) as connection:
        connection.cursor().executemany(
            "INSERT INTO ozon.rejected_items (workflow_id, component, attempt, n, account, kind, reason, payload) "
            "VALUES (%s, 'product_etl', 1, %s, 'main', %s, %s, %s)",
            [
                (f"{SCHEDULED}/main", n, "field" if n > 40 else "entry",
                 f"price: expected a number, found '{n}'" if n <= 30 else f"sku: expected an integer, found {EVIL}",
                 json.dumps({"n": n, "name": EVIL, "zlonger": "x" * 9000}))
                for n in range(1, 46)
            ],
        )  # fmt: skip
    answer = run(page)
    html = Html(answer.text)
    groups = [" ".join(Html(part.split("</summary>")[0]).text.split()) for part in answer.text.split("<summary>")[1:]]

    assert groups == [
        "30 price: expected a number products", "10 sku: expected an integer products",
        "5 sku: expected an integer products",
    ]  # fmt: skip
    assert len(html.all("pre")) == 10 + 10 + 5
    assert html.text.count("the first 10 examples") == 1
    assert "price: expected a number, found '1'" in html.text
    assert '"name": "<script>alert(1)</script>' in html.text
    assert len(answer.text) < 200_000


def test_guards_errors_and_warnings_are_shown_where_they_belong(page: Page, loaded: Pipeline) -> None:
    details = {
        "accept_guards": ["vanished", "rejected"],
        "product_etl": {"guards": ["guard vanished: 9 of 10"], "warnings": ["Old."], "rejected_fields": 1234},
        "inventory_etl": {"seller_warehouses": {"updated": 77}, "ozon_warehouses": {"skus_asked": 5}},
    }
    loaded.execute("UPDATE ozon.etl_workflow_executions SET error = NULL, execution_details = %s::jsonb",
                   json.dumps(details))  # fmt: skip
    shown = " ".join(Html(run(page).text).text.split())

    assert "products guard vanished: 9 of 10" in shown
    assert "Accepted for this run: vanished, rejected" in shown
    assert "Warnings products Old." in shown
    assert "Products loaded without a field 1 234" in shown
    assert "Stock by seller warehouse: updated 77" in shown
    assert "guard vanished: 9 of 10" in page.get("/runs").text


def test_a_late_run_says_so_with_its_due_moment(page: Page, loaded: Pipeline) -> None:
    loaded.execute("UPDATE ozon.etl_workflow_executions SET trigger = 'scheduled', "
                   "started_at = '2026-03-02 23:00:07+00', finished_at = '2026-03-02 23:20+00'")  # fmt: skip
    assert "due 2026-03-03 02:00 MSK" in " ".join(Html(run(page).text).text.split())
    assert not Html(run(page).text).text.count("late")
    loaded.execute("UPDATE ozon.etl_workflow_executions SET finished_at = '2026-03-03 06:00+00'")
    assert ", late" in " ".join(Html(run(page).text).text.split())


def test_airflow_s_tab_leads_to_the_run(page: Page, loaded: Pipeline) -> None:
    encoded = f"/runs?dag_id=ozon_etl&dag_run_id={quote(MANUAL, safe='')}"
    plain = f"/runs?dag_id=ozon_etl&dag_run_id={MANUAL}"
    for path in (encoded, plain):
        assert len(ids(page, path)) == 2
        assert MANUAL in Html(page.get(path).text).text.replace(" ", "+")
        answer = page.get(f"{path}&account=main")
        assert answer.status_code == 303
        assert page.client.get(answer.headers["location"]).status_code == 200
    assert Html(run(page, MANUAL).text).all("a")[-1]["href"] == f"/dags/ozon_etl/runs/{quote(MANUAL, safe='')}"
    assert "has recorded nothing" in page.get("/runs?dag_id=ozon_etl&dag_run_id=unknown").text
    assert "loads nothing from Ozon" in page.get("/runs?dag_id=another&dag_run_id=x").text


@pytest.mark.parametrize("dag_run_id", ["a b", "100%", "a/b", "q?x=1&y", "#1", "ж+ё", "a'\"<b>"])
def test_any_id_of_a_run_has_a_view(page: Page, loaded: Pipeline, dag_run_id: str) -> None:
    record_workflow(loaded.dsn, dag_run_id, started_at=datetime.now(tz=UTC) + timedelta(minutes=1))
    (first, *_) = ids(page, "/runs")
    assert page.client.get(first).status_code == 200
    assert dag_run_id in Html(page.client.get(first).text).text


def test_paging_lists_every_run_once_newest_first_and_quickly(page: Page, loaded: Pipeline) -> None:
    loaded.execute("DELETE FROM ozon.etl_workflow_executions")
    loaded.execute(
        f"""
        INSERT INTO ozon.etl_workflow_executions
            (workflow_id, account, dag_run_id, trigger, environment, status, started_at, finished_at)
        SELECT format('run %%s/%%s', n, account), account, format('run %%s', n), 'scheduled', 'testing',
               CASE n %% 10 WHEN 0 THEN 'failed' ELSE 'success' END,
               now() - n * interval '6 hours', now() - n * interval '6 hours' + interval '1 minute'
        FROM generate_series(1, {YEAR}) n, unnest(ARRAY['main', 'second']) account
        """.replace("%%", "%")
    )
    loaded.execute(
        """
        INSERT INTO ozon.etl_component_executions
            (workflow_id, component, attempt, account, status, started_at, finished_at, rows_read)
        SELECT workflow_id, component, 1, account, 'success', started_at, finished_at, 1000
        FROM ozon.etl_workflow_executions, unnest(ARRAY['product_etl', 'inventory_etl']) component
        """
    )
    page.get("/runs")
    found: list[str] = []
    path = "/runs?days=366&account=main"
    seconds: list[float] = []
    while path:
        started = time.monotonic()
        answer = page.get(path)
        seconds.append(time.monotonic() - started)
        html = Html(answer.text)
        found += [a["href"] or "" for a in html.all("a") if (a.get("href") or "").startswith(f"{ROOT}/runs/")]
        path = next(((a["href"] or "").removeprefix(ROOT) for a in html.all("a") if a.get("rel") == "next"), "")

    assert len(found) == len(set(found)) == YEAR
    numbers = [int(address.split("run%20")[1].split("/")[0]) for address in found]
    assert numbers == sorted(numbers)
    # The slowest one would measure what else runs on this machine.
    assert median(seconds) < 0.3
    assert len(ids(page, "/runs?status=failed&days=30")) == 2 * 11
    assert len(ids(page, "/runs?days=7&account=second")) == 7 * 4 - 1
