"""The numbers of the overview, and what it shows before there are any."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from include.ozon.monitoring.health.store import save as save_health
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.page import overview
from include.ozon.page.overview import Overview
from include.ozon.page.view import View
from include.ozon.warehouse.session import open_session
from tests.integration.ozon.page.conftest import DAG_RUNS
from tests.support.page import EDITOR, Html, Page
from tests.support.pipeline import Pipeline, Row

VISIBILITIES = ("visible", "hidden", "moderation", "declined", "archived", "unknown")


class Request:
    """A request with what the views read of it."""

    def __init__(self, page: Page) -> None:
        self.app = page.app
        self.query_params: dict[str, str] = {}
        self.scope = {"root_path": "/ozon"}


def read(page: Page, account: str = "", days: int = 30) -> Overview:
    """Return what the overview shows, without its HTML."""
    view: Any = View(Request(page), EDITOR, page.settings, account, days, datetime.now(tz=UTC))  # type: ignore[arg-type]
    with page.connect() as connection:
        return overview._read(connection, view)


def last_measurements(loaded: Pipeline, *accounts: str) -> list[Row]:
    return loaded.rows(
        "SELECT DISTINCT ON (account) * FROM ozon.visibility_metrics WHERE account = ANY(%s) "
        "ORDER BY account, measured_at DESC",
        list(accounts),
    )


@pytest.mark.parametrize("account", ["", "main", "second"])
def test_visible_products_and_costs_are_those_of_the_warehouse(page: Page, loaded: Pipeline, account: str) -> None:
    accounts = [account] if account else ["main", "second"]
    shown = read(page, account)
    by_sql = loaded.rows(
        """
        SELECT count(*) AS products, count(*) FILTER (WHERE visibility = 'VISIBLE') AS visible,
               count(*) FILTER (WHERE visibility NOT IN ('VISIBLE', 'ARCHIVED') AND units > 0) AS hidden_with_stock,
               count(*) FILTER (WHERE visibility = 'VISIBLE' AND units = 0) AS visible_without_stock
        FROM ozon.products p
        LEFT JOIN LATERAL (
            SELECT sum(greatest(available, 0)) AS units FROM ozon.inventory i
            WHERE (i.account, i.product_id) = (p.account, p.product_id)
        ) s ON true
        WHERE account = ANY(%s) AND removed_at IS NULL
        """,
        accounts,
    )[0]

    assert {name: getattr(shown.cost, name) for name in by_sql} == by_sql
    with open_session(loaded.connect, loaded.settings.warehouse, "test") as connection:
        impacts = [measure(connection, each, datetime.now(tz=UTC), loaded.settings).impact for each in accounts]
    for money in shown.cost.money:
        found = [impact.currencies[money.currency] for impact in impacts if money.currency in impact.currencies]
        assert money.hidden_money == sum(each.hidden_money for each in found)
        assert money.lost_per_day == sum(each.lost_per_day for each in found)
    assert {money.currency for money in shown.cost.money} == {name for impact in impacts for name in impact.currencies}
    assert any(money.hidden_money > 0 for money in shown.cost.money)


def test_the_html_shows_these_numbers(page: Page, loaded: Pipeline) -> None:
    cost = read(page).cost
    text = " ".join(Html(page.get().text).text.split())

    assert f"What customers can see {cost.visible} of {cost.products} products are visible" in text
    assert f"{cost.prices_raised} raised, {cost.prices_lowered} lowered" in text


def test_the_chart_adds_the_accounts_and_ends_now(page: Page, loaded: Pipeline) -> None:
    html = page.get().text
    option = json.loads(html.split('<script type="application/json">')[1].split("</script>")[0])
    series = {each["name"]: each["data"] for each in option["series"]}
    sums = {
        name: sum(row[name] for row in last_measurements(loaded, "main", "second")) for name in VISIBILITIES
    }  # fmt: skip

    assert series["Visible"][-1][1] == sums["visible"]
    assert series["Hidden"][-1][1] == sums["hidden"]
    assert datetime.now(tz=UTC).timestamp() * 1000 - series["Visible"][-1][0] < 60_000
    assert len(series["Loads"]) == len(loaded.rows("SELECT FROM ozon.etl_workflow_executions"))


def test_what_turned_invisible_is_what_was_visible_and_is_not(page: Page, loaded: Pipeline) -> None:
    expected = {
        (row["account"], row["product_id"])
        for row in loaded.rows(
            """
            SELECT DISTINCT account, product_id FROM ozon.products p
            JOIN ozon.product_visibility_history h USING (account, product_id)
            WHERE h.visibility = 'VISIBLE' AND p.visibility <> 'VISIBLE' AND removed_at IS NULL
            """
        )
    }
    groups = read(page).turned_invisible

    assert sum(group.count for group in groups) == len(expected) > 10
    assert {(each.account, each.product_id) for group in groups for each in group.products} <= expected
    for group in groups:
        for each in group.products:
            (units,) = loaded.rows(
                "SELECT sum(greatest(available, 0))::bigint AS units FROM ozon.inventory "
                "WHERE account = %s AND product_id = %s",
                each.account, each.product_id,
            )  # fmt: skip
            assert each.units == units["units"]
    by_reason = loaded.rows("SELECT hidden_reasons FROM ozon.products WHERE visibility <> 'VISIBLE' LIMIT 1")
    assert [group.reason for group in groups] == by_reason[0]["hidden_reasons"]


def test_price_changes_are_those_of_a_day(page: Page, loaded: Pipeline) -> None:
    def counted() -> tuple[int, int]:
        cost = read(page).cost
        return cost.prices_raised, cost.prices_lowered

    (expected,) = loaded.rows(
        """
        SELECT count(*) FILTER (WHERE b.price > a.price) AS raised, count(*) FILTER (WHERE b.price < a.price) AS lowered
        FROM ozon.product_price_history a
        JOIN ozon.product_price_history b USING (account, product_id)
        WHERE b.valid_from = a.valid_to
        """
    )
    assert counted() == (expected["raised"], expected["lowered"])
    assert expected["lowered"] > 5
    loaded.execute("UPDATE ozon.product_price_history SET valid_from = valid_from - interval '25 hours', "
                   "valid_to = valid_to - interval '25 hours'")  # fmt: skip
    assert counted() == (0, 0)


def test_the_loads_are_the_recorded_ones(page: Page, loaded: Pipeline) -> None:
    option: Any = read(page).loads_chart
    bars = [part for series in option["series"] for part in series["data"] if part]
    attempts = loaded.rows("SELECT duration_seconds FROM ozon.etl_component_executions")

    assert sorted(bar["value"] for bar in bars) == sorted(round(row["duration_seconds"], 2) for row in attempts)
    for dag_run_id in DAG_RUNS:
        address = next(bar["href"] for bar in bars if dag_run_id[:6] in bar["href"])
        assert page.client.get(address).status_code == 200


def test_an_empty_warehouse_is_explained(empty_page: Page) -> None:
    text = Html(empty_page.get().text).text
    for sentence in (
        "No health check has run yet",
        "never",
        "Nothing has been loaded yet.",
        "No product has turned invisible within the last 24 hours.",
        "No load in this period.",
    ):
        assert sentence in text
    assert "No run in this period." in Html(empty_page.get("/runs").text).text
    assert "No run matches the filter." in Html(empty_page.get("/runs?status=failed").text).text


def test_loaded_products_that_were_never_measured_are_not_zero_of_zero(page: Page, loaded: Pipeline) -> None:
    loaded.execute("DELETE FROM ozon.visibility_metrics")

    text = Html(page.get().text).text

    assert "Not measured yet" in text
    assert "ozon_visibility_metrics measures after each load" in text
    assert "products are visible" not in text


def test_an_account_that_was_never_loaded_is_shown_as_such(page: Page, loaded: Pipeline) -> None:
    for table in ("etl_workflow_executions", "products", "visibility_metrics", "product_visibility_history"):
        loaded.execute(f"DELETE FROM ozon.{table} WHERE account = 'second'")

    shown = read(page)

    second = next(each for each in shown.freshness if each.account == "second")
    assert (second.status, set(second.loaded_at.values())) == (Status.UNKNOWN, {None})
    assert shown.cost.products == last_measurements(loaded, "main")[0]["products"]
    assert page.get("/?account=second").status_code == 200


def test_a_health_check_that_stopped_is_not_shown_as_health(page: Page, loaded: Pipeline) -> None:
    loaded.execute("DELETE FROM ozon.incidents")
    loaded.execute("DELETE FROM ozon.health_checks")
    now = datetime.now(tz=UTC)
    for minutes_ago, headline in ((40, "The health check has stopped"), (3, "Everything is all right")):
        with open_session(loaded.connect, loaded.settings.warehouse, "test") as connection:
            save_health(
                connection,
                now - timedelta(minutes=minutes_ago),
                [CheckResult("data", "product_etl_age_hours", "main", Status.OK, 1.0, 8.0, "Fine.")],
            )
        assert headline in Html(page.get().text).text


def test_the_filter_is_kept_in_every_link(page: Page) -> None:
    html = Html(page.get("/?account=main&days=7&lang=ru").text)
    links = html.links("/ozon/")

    assert len(links) > 5
    assert [link for link in links if not {"account=main", "days=7"} <= set(urlsplit(link).query.split("&"))] == []
