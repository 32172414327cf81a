"""A real Airflow with the page and its data, started once, and a watched browser for each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy

import psycopg
import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page

from include.ozon.warehouse import schema
from include.ozon_local.airflow import USER as EDITOR
from include.ozon_local.connections import api_connection, postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.home import ROOT
from include.ozon_local.postgres import AIRFLOW_ROLE, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.support import page_data, scratch
from tests.support.airflow_stack import AirflowStack, until
from tests.support.chromium import running_chromium
from tests.support.pipeline import Pipeline
from tests.support.sandboxes import Sandboxes
from tests.support.watched_page import Watch, settled

SCREENSHOTS = ROOT / ".local" / "browser"

VIEWER = "viewer"
STRANGER = "stranger"
"""Signed in, but without a role: may see nothing."""
# Every request of a page goes through Playwright, on a machine that also runs Airflow.
_TIMEOUT_MS = 20_000


_LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that change files of the repository, or all others if they are asked for."""
    is_wanted: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        is_wanted[bool(item.get_closest_marker("pictures")) == config.getoption("--pictures")].append(item)
    items[:] = is_wanted[True]
    config.stash[_LEFT_OUT] = len(is_wanted[False])
    config.hook.pytest_deselected(items=is_wanted[False])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line with the figures of these tests, if any of them ran, and why some did not."""
    config = terminalreporter.config
    if config.stash.get(_LEFT_OUT, 0) and "not browser" not in config.option.markexpr:
        other = "the other tests" if config.getoption("--pictures") else "README's pictures (five minutes)"
        terminalreporter.write_line(f'test-browser: without {other}; ARGS="--pictures" only takes the pictures')
    ended = {
        outcome: sum(report.nodeid.startswith("tests/browser/") for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed", "error")
    }
    if not any(ended.values()):
        return
    figures = ", ".join(f"{count} {outcome}" for outcome, count in ended.items() if count)
    pictures = len(list(SCREENSHOTS.glob("*.png")))
    terminalreporter.write_line(f"test-browser: {figures}; {pictures} screenshots in {SCREENSHOTS.relative_to(ROOT)}")


@dataclass(frozen=True)
class Site:
    """A running Airflow; the page's warehouse has a PostgreSQL of its own, so that a test may stop it."""

    airflow: AirflowStack
    passwords: Path
    server: EmbeddedPostgres
    warehouse: Pipeline

    @property
    def url(self) -> str:
        return self.airflow.url

    @property
    def alone(self) -> str:
        """The page's own address."""
        return f"{self.url}/ozon/"

    def path(self, path: str) -> str:
        """Return a path of `VIEWS` with the product that it names."""
        return path.replace("{product}", page_data.hostile_product(self.warehouse)) if "{" in path else path

    def password(self, user: str) -> str:
        return str(json.loads(self.passwords.read_text())[user])

    def token(self, user: str) -> str:
        sign_in = {"username": user, "password": self.password(user)}
        answer = requests.post(f"{self.url}/auth/token", json=sign_in, timeout=30)
        assert answer.ok, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture(scope="session")
def warehouse(sandboxes: Sandboxes) -> Iterator[tuple[EmbeddedPostgres, Pipeline]]:
    """A server and a loaded warehouse in it."""
    server = EmbeddedPostgres(scratch.new_folder("warehouse"), durable=False)
    server.start()
    server.create_database("page", WAREHOUSE_ROLE)
    dsn = server.dsn("page", WAREHOUSE_ROLE)
    schema.upgrade(lambda: psycopg.connect(dsn))
    with sandboxes.borrow(page_data.ACCOUNTS) as sandbox:
        pipeline = Pipeline(sandbox, dsn)
        page_data.fill(pipeline)
        yield server, pipeline
    server.stop()


@pytest.fixture(scope="session")
def site(
    postgres: EmbeddedPostgres, metadata_template: str, warehouse: tuple[EmbeddedPostgres, Pipeline]
) -> Iterator[Site]:
    server, pipeline = warehouse
    sandbox = pipeline.sandbox
    postgres.create_database("page_metadata", AIRFLOW_ROLE, template=metadata_template)
    home = scratch.new_folder("page")
    (home / "dags").mkdir()
    copy(ROOT / "dags" / "ozon_etl.py", home / "dags")
    variables = {
        **dict(api_connection(name, sandbox.base_url, keys) for name, keys in sandbox.accounts.items()),
        WAREHOUSE_CONNECTION: postgres_connection(pipeline.dsn),
        "OZON_ENV": "testing",
        # Far in the future, so that no scheduled load changes what the tests see.
        "OZON__SCHEDULE__ETL": f"0 0 1 {(datetime.now(UTC) + timedelta(days=40)).month} *",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{EDITOR}:admin,{VIEWER}:viewer,{STRANGER}:",
    }
    metadata_dsn = postgres.dsn("page_metadata", AIRFLOW_ROLE)
    with AirflowStack(home, metadata_dsn, variables, ("api-server", "dag-processor")) as airflow:
        until(lambda: airflow.call("GET", "/api/v2/dags")["total_entries"] == 1, "the DAG is parsed")
        run = {"dag_run_id": page_data.RUNS[-1], "logical_date": None}
        airflow.call("POST", "/api/v2/dags/ozon_etl/dagRuns", **run)
        yield Site(airflow, home / "airflow" / "passwords.json", server, pipeline)
    postgres.drop_database("page_metadata")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@dataclass(frozen=True)
class Visit:
    """A person's browser."""

    site: Site
    context: BrowserContext
    watch: Watch
    page: Page

    def alone(self, path: str = "") -> Page:
        """Open the page at its own address."""
        self.page.goto(self.site.alone + self.site.path(path))
        settled(self.page)
        return self.page

    def framed(self, path: str = "") -> FrameLocator:
        """Open the page in Airflow's frame."""
        self.page.goto(f"{self.site.url}/plugin/ozon{'/ozon/' if path else ''}{path}")
        view = self.page.frame_locator("iframe")
        view.locator("main").wait_for()
        settled(self.page)
        return view


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(site: Site, chromium: Browser) -> Iterator[Visitor]:
    """A function that opens a browser: ``visit("admin", width=390, locale="ru")``; None is not signed in.

    At the end, each must have seen no error, no failed request, and no request to another host.
    """
    visits: list[Visit] = []

    def open_browser(user: str | None = EDITOR, width: int = 1440, height: int = 900, **options: object) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(_TIMEOUT_MS)
        watch = Watch(context)
        if user:
            context.add_cookies([{"name": "_token", "value": site.token(user), "url": site.url, "sameSite": "Lax"}])
        visits.append(Visit(site, context, watch, context.new_page()))
        return visits[-1]

    yield open_browser
    for each in visits:
        each.context.close()
    assert [finding for each in visits for finding in each.watch.findings] == []


@pytest.fixture
def incident(site: Site) -> str:
    """The id of an open incident of the account main."""
    return page_data.open_incident(site.warehouse)
