"""The view of the runs in a browser: its filter, one run, and the tabs of Airflow's DAG and DAG run."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.support.page_data import ACCOUNTS, RUNS
from tests.support.watched_page import settled


def test_the_list_is_filtered_and_leads_to_a_run_and_back(visit: Visitor) -> None:
    page = visit().alone()
    page.get_by_role("link", name="Runs").click()
    rows = page.locator("table.list tbody tr")
    expect(rows).to_have_count(len(RUNS) * len(ACCOUNTS))
    settled(page)
    page.get_by_label("Account").select_option("second")
    expect(rows).to_have_count(len(RUNS))
    settled(page)
    page.get_by_label("Status").select_option("failed")
    expect(rows).to_have_count(0)
    settled(page)
    page.get_by_label("Status").select_option("")
    expect(rows).to_have_count(len(RUNS))

    rows.first.get_by_role("link").click()

    expect(page).to_have_url(re.compile(f"/runs/{RUNS[-1]}/second"))
    expect(page.get_by_role("heading", name=re.compile("Test account 2.*success"))).to_be_visible()
    expect(page.locator("table.numbers")).to_contain_text(re.compile(r"Read.*123.*259", re.DOTALL))
    settled(page)
    page.go_back()
    expect(rows).to_have_count(len(RUNS))


def test_a_bar_of_the_overview_opens_its_run(visit: Visitor) -> None:
    page = visit().alone()
    chart = page.locator(".chart.short")
    chart.scroll_into_view_if_needed()
    # The bars are drawn on a canvas: the pointer looks for one from left to right, just above the axis.
    box = chart.bounding_box()
    assert box
    for x in range(int(box["width"])):
        page.mouse.move(box["x"] + x, box["y"] + box["height"] - 28)
        if chart.evaluate("(each) => each.querySelector('canvas').parentElement.style.cursor") == "pointer":
            page.mouse.down()
            page.mouse.up()
            break
    expect(page).to_have_url(re.compile(f"/runs/{RUNS[0]}/"))


def test_the_tab_of_the_dag_lists_the_runs(visit: Visitor) -> None:
    opened = visit()
    opened.page.goto(f"{opened.site.url}/dags/ozon_etl")
    opened.page.locator("a[href*='/plugin/ozon_dag']").click()
    frame = opened.page.frame_locator("iframe")
    expect(frame.locator("table.list tbody tr")).to_have_count(len(RUNS) * len(ACCOUNTS))
    settled(opened.page)


def test_the_tab_of_a_dag_run_lists_its_loads(visit: Visitor) -> None:
    opened = visit()
    opened.page.goto(f"{opened.site.url}/dags/ozon_etl/runs/{RUNS[-1]}")
    opened.page.locator("a[href*='/plugin/ozon_run']").click()
    frame = opened.page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Loads of this run")).to_be_visible()
    expect(frame.locator("table.list tbody tr")).to_have_count(len(ACCOUNTS))
    settled(opened.page)
