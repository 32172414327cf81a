"""The page while the warehouse does not answer, and after it is back."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from psycopg import sql

from include.ozon.page.sessions import SESSIONS, STATEMENT_SECONDS
from include.ozon.page.view import Parts
from include.ozon.warehouse.session import Connection
from include.ozon_local.home import LOOPBACK
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from tests.support.page import ROOT, Html, Page, open_page
from tests.support.pipeline import Pipeline, quick_settings
from tests.support.refusing_postgres import refusing_server

MOST_SECONDS = 3.0
PASSWORD = "s3cret-p4ssword"
REFUSED = 'password authentication failed for user "ozon"'


@contextmanager
def silent_server() -> Iterator[str]:
    """Yield the DSN of a server that accepts connections and never answers."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield f"postgresql://ozon:{PASSWORD}@{LOOPBACK}:{server.getsockname()[1]}/ozon_warehouse"


def refused_dsn() -> str:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
    return f"postgresql://ozon:{PASSWORD}@{LOOPBACK}:{port}/ozon_warehouse"


def assert_down(answer: Any, started: float, status: int = 503) -> None:
    assert (answer.status_code, time.monotonic() - started < MOST_SECONDS) == (status, True)
    html = Html(answer.text)
    assert "The warehouse does not answer" in html.text
    assert not re.search(rf"{PASSWORD}|postgresql://|Traceback|File \"|psycopg", answer.text)


def readers(page: Page, count: int, *paths: str) -> list[tuple[int, float]]:
    """Return the status of as many requests of each path at once, and the seconds after which each was answered."""

    async def read() -> list[tuple[int, float]]:
        transport = httpx.ASGITransport(page.app, root_path=ROOT)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", timeout=60) as client:
            started = time.monotonic()

            async def one(path: str) -> tuple[int, float]:
                answer = await client.get(ROOT + path)
                return answer.status_code, time.monotonic() - started

            return await asyncio.gather(*(one(path) for path in paths * count))

    return asyncio.run(read())


@pytest.mark.long
def test_nobody_listens() -> None:
    with open_page(refused_dsn(), quick_settings()) as page:
        for path in ("/", "/runs", "/runs/run/main"):
            started = time.monotonic()
            assert_down(page.get(path), started)


def test_a_server_that_never_answers() -> None:
    with silent_server() as dsn, open_page(dsn, quick_settings()) as page:
        started = time.monotonic()
        assert_down(page.get(), started)


def test_a_wrong_password_is_not_shown() -> None:
    with refusing_server(REFUSED, "28P01") as dsn:
        with_password = dsn.replace(":secret@", f":{PASSWORD}@")
        with open_page(with_password, quick_settings()) as page:
            started = time.monotonic()
            answer = page.get()
    assert_down(answer, started)
    assert "ozon doctor" in answer.text


def test_a_database_without_the_schema(empty_database_dsn: str) -> None:
    with open_page(empty_database_dsn, quick_settings()) as page:
        for path in ("/", "/runs", "/runs/run/main"):
            answer = page.get(path)
            assert (answer.status_code, "The installation is not ready" in answer.text) == (500, True)
            assert "ozon db upgrade" in answer.text


def test_all_waiting_readers_get_the_answer_at_once() -> None:
    with silent_server() as dsn, open_page(dsn, quick_settings()) as page:
        answers = readers(page, 5 * SESSIONS, "/")
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < MOST_SECONDS + 0.5


@pytest.mark.long
def test_the_page_recovers_when_the_server_does(page: Page, postgres: EmbeddedPostgres) -> None:
    assert page.get().status_code == 200
    processes = [psutil.Process(int(postgres._pid_file_lines()[0]))]
    processes += processes[0].children(recursive=True)
    for process in processes:
        process.suspend()
    try:
        for _ in range(SESSIONS + 1):
            started = time.monotonic()
            assert_down(page.get(), started)
    finally:
        for process in processes:
            process.resume()
    assert page.get().status_code == 200


@pytest.mark.parametrize("is_asked_meanwhile", [True, False])
def test_the_page_recovers_after_a_restart(
    on_own_server: tuple[EmbeddedPostgres, str], is_asked_meanwhile: bool
) -> None:
    server, dsn = on_own_server
    with open_page(dsn, quick_settings()) as page:
        assert page.get().status_code == 200
        server.stop()
        if is_asked_meanwhile:
            started = time.monotonic()
            assert_down(page.get(), started)
        server.start()
        # Its port may be another one.
        again = server.dsn("warehouse", WAREHOUSE_ROLE)
        page.connect = lambda: psycopg.connect(again)
        assert page.get().status_code == 200


def test_sixty_readers_at_once_all_get_an_answer(page: Page) -> None:
    assert {status for status, _ in readers(page, 30, "/", "/runs")} == {200}


def test_the_pool_is_small_and_its_sessions_are_read_only(page: Page, loaded: Pipeline) -> None:
    readers(page, 20, "/runs")
    parts: Parts = page.app.state.parts
    assert loaded.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ozon_page'") <= SESSIONS

    def write(connection: Connection) -> None:
        connection.execute("UPDATE ozon.products SET name = 'written'")

    with pytest.raises(psycopg.Error, match="read-only") as error:
        _read_raw(parts, write)
    assert error.value.sqlstate == "25006"


def test_a_slow_statement_is_ended(page: Page) -> None:
    parts: Parts = page.app.state.parts
    started = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        _read_raw(parts, lambda connection: connection.execute(sql.SQL("SELECT pg_sleep(20)")))
    assert time.monotonic() - started == pytest.approx(STATEMENT_SECONDS, abs=1)


def _read_raw(parts: Parts, read: Any) -> None:
    """Read as the page does, with psycopg's own errors."""
    parts.sessions._pool.open()
    with parts.sessions._pool.connection() as connection, connection.transaction():
        read(connection)
