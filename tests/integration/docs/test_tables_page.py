"""docs/tables.md and docs/bi.md: every table, view and column has a description, and every query returns rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from include.ozon.errors import FatalError
from include.ozon.generated_pages import with_part
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.metrics.store import save
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_session
from include.ozon.warehouse.tables import TABLES
from include.ozon.warehouse.views import VIEWS
from include.ozon_local import table_docs
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support import scratch
from tests.support.bi import bi_reader
from tests.support.pipeline import Pipeline, changed, quick_settings

ACCOUNTS = ("main", "second")
# Every comment with the transaction that wrote it.
_WRITTEN_AT = "SELECT d.objoid, d.objsubid, d.xmin::text FROM pg_description d JOIN pg_class c ON c.oid = d.objoid"
DETAILS = "/v3/product/info/list"


class Query(NamedTuple):
    title: str
    sentence: str
    text: str
    columns: list[str]


def _queries() -> list[Query]:
    """Return the queries below the page's heading "Queries"."""
    sections = re.split(r"^### ", table_docs.DOCS_PATH.read_text("utf-8").partition("\n## Queries\n")[2], flags=re.M)
    return [_query(section) for section in sections[1:]]


def _query(section: str) -> Query:
    found = re.fullmatch(r"(.+?)\n\n(.+?)\n\n```sql\n(.+?)```\n\nColumns: (.+?)\.\n*", section, flags=re.S)
    assert found, f"docs/tables.md: expected a title, a sentence, a ```sql block and 'Columns: ...', found:\n{section}"
    return Query(found[1], found[2], found[3], re.findall(r"`(\w+)`", found[4]))


QUERIES = _queries()


@pytest.fixture(scope="module")
def loaded(postgres: EmbeddedPostgres, warehouse_template: str) -> Iterator[Pipeline]:
    """Four loads of two accounts with measurements: products vanish and return, and some entries are rejected."""
    name = "tables_page"
    postgres.create_database(name, WAREHOUSE_ROLE, template=warehouse_template)
    accounts = dict(zip(ACCOUNTS, (400, 200), strict=True))
    with SandboxProcess(
        scratch.new_folder("sandbox"), accounts, rate_limit_per_second=100_000, analytics_seconds_between_requests=0
    ) as sandbox:
        settings = changed(quick_settings(), "inventory", ozon_warehouses=True)
        settings = changed(settings, "guards.rejected", level="warn")
        pipeline = Pipeline(sandbox, postgres.dsn(name, WAREHOUSE_ROLE), settings)
        _load(pipeline, "first")
        pipeline.execute("UPDATE ozon.product_price_history SET valid_from = valid_from - interval '40 days'")
        sandbox.tick()
        sandbox.fault("vanish_share", share=0.05)
        _load(pipeline, "some gone")
        sandbox.clear_faults()
        sandbox.fault("drop_field", field="id", method=DETAILS, probability=1, times=2)
        _load(pipeline, "they are back")
        sandbox.clear_faults()
        sandbox.tick()
        sandbox.fault("change_prices", share=0.1, factor=0.5)
        _load(pipeline, "last")
        yield pipeline
    postgres.drop_database(name)


def _load(pipeline: Pipeline, dag_run_id: str) -> None:
    for account in ACCOUNTS:
        assert pipeline.load(dag_run_id, account) == "success"
        with open_session(pipeline.connect, pipeline.settings.warehouse, "test") as connection:
            save(connection, measure(connection, account, datetime.now(tz=UTC), pipeline.settings))


@pytest.fixture(scope="module")
def reader(loaded: Pipeline, postgres: EmbeddedPostgres) -> Iterator[str]:
    """The DSN of a role that may read the views for BI tools only."""
    with bi_reader(postgres, loaded.dsn) as dsn:
        yield dsn


@pytest.mark.parametrize("query", QUERIES, ids=[query.title for query in QUERIES])
def test_a_query_of_the_page_returns_rows_with_the_documented_columns(reader: str, query: Query) -> None:
    with psycopg.connect(reader) as connection:
        cursor = connection.execute(query.text.encode())
        rows = cursor.fetchall()

    assert [column.name for column in cursor.description or ()] == query.columns, (
        "fix the line 'Columns:' below the query in docs/tables.md"
    )
    assert rows


def test_the_page_has_at_least_ten_queries_with_a_sentence_each() -> None:
    assert len(QUERIES) >= 10
    for query in QUERIES:
        assert query.sentence.count(".") <= 2, query.title


def test_no_query_adds_money_of_two_currencies(loaded: Pipeline) -> None:
    """The worth of hidden stock is the same as in the metrics, for each currency."""
    (query,) = [query for query in QUERIES if "worth" in query.columns]
    found = {(row["account"], row["currency_code"]): float(row["worth"]) for row in loaded.rows(query.text)}
    measured = loaded.rows(
        "SELECT DISTINCT ON (account) account, impact FROM ozon.visibility_metrics ORDER BY account, measured_at DESC"
    )
    assert len({currency for _, currency in found}) > 1
    assert found == {
        (row["account"], currency): pytest.approx(impact["hidden_money"])
        for row in measured
        for currency, impact in row["impact"].items()
        if impact["hidden_money"]
    }


def test_every_table_and_column_has_a_comment(warehouse_dsn: str) -> None:
    with psycopg.connect(warehouse_dsn) as connection:
        columns = table_docs.read_columns(connection)

    missing = [f"{column.table}.{column.name}" for column in columns if not (column.table_meaning and column.meaning)]
    assert not missing, f"{', '.join(missing)}: add the meaning in include/ozon/warehouse/tables"
    nullable = [column for column in columns if column.schema == "ozon" and column.is_nullable]
    unclear = [f"{column.table}.{column.name}" for column in nullable if "null" not in (column.meaning or "").lower()]
    assert not unclear, f"{', '.join(unclear)}: add the meaning of null to the comment"


def test_the_pages_are_up_to_date(warehouse_dsn: str) -> None:
    with psycopg.connect(warehouse_dsn) as connection:
        columns = table_docs.read_columns(connection)
    for path, text in table_docs.pages(columns).items():
        assert text == path.read_text("utf-8"), f"{path} is out of date; run: python -m include.ozon_local.table_docs"


def test_check_prints_the_command_to_run_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = table_docs.DOCS_PATH.read_text("utf-8")
    path = tmp_path / "tables.md"
    old = page.replace("The seller's own article.", "Nobody knows.")
    path.write_text(old, "utf-8")
    monkeypatch.setattr(table_docs, "DOCS_PATH", path)

    assert table_docs.main(["--check"]) == 1
    assert "run: python -m include.ozon_local.table_docs" in capsys.readouterr().err
    assert path.read_text("utf-8") == old

    assert table_docs.main([]) == 0
    assert path.read_text("utf-8") == page
    assert table_docs.main(["--check"]) == 0


def test_a_page_without_the_markers_is_a_fatal_error(tmp_path: Path) -> None:
    path = tmp_path / "tables.md"
    path.write_text("# Tables\n", "utf-8")

    with pytest.raises(FatalError, match="has no generated part"):
        with_part(path, "", "`python -m x`")


def test_an_upgrade_writes_only_the_comments_that_differ(empty_database_dsn: str) -> None:
    connect = partial(psycopg.connect, empty_database_dsn)
    schema.upgrade(connect)
    with connect() as connection:
        before = table_docs.read_columns(connection)
        written_at = connection.execute(_WRITTEN_AT).fetchall()
        connection.execute("COMMENT ON COLUMN ozon.products.price IS 'Nobody knows.'")

    schema.upgrade(connect)

    with connect() as connection:
        assert table_docs.read_columns(connection) == before
        rewritten = set(connection.execute(_WRITTEN_AT).fetchall()) - set(written_at)
    assert len(rewritten) == 1


def test_the_lists_of_columns_match_the_database(warehouse_dsn: str) -> None:
    with psycopg.connect(warehouse_dsn) as connection:
        columns = table_docs.read_columns(connection)

    found = {(column.schema, column.table, column.name, column.shown_type) for column in columns}
    assert found == {
        (table.schema, table.name, column.name, column.type) for table in (*TABLES, *VIEWS) for column in table.columns
    }
