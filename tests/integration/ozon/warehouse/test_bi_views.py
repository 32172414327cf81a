"""The views of ``ozon_bi``: the numbers of the tables, for a role that may read nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest
import sqlalchemy
from psycopg.rows import dict_row

from include.ozon.errors import SchemaError
from include.ozon.warehouse import schema
from include.ozon.warehouse.views import VIEWS
from include.ozon_local.postgres import EmbeddedPostgres
from include.ozon_local.table_docs import VIEWS_PATH
from tests.support.bi import bi_reader

_ROWS = """
INSERT INTO ozon.products (
    account, product_id, offer_id, name, price, currency_code, visibility, ozon_status, status_name, hidden_reasons,
    is_archived, has_price, has_stock, first_seen_at, changed_at, visibility_changed_at, removed_at, workflow_id
)
SELECT 'main', id, 'A-' || id, 'Кружка', price, currency, visibility, '', '', reasons, false, true, true,
       now(), now(), now() - interval '50 hours', removed_at, 'first/main'
FROM (VALUES
    (1, 100.5, 'RUB', 'VISIBLE', '{}'::text[], NULL::timestamptz),
    (2, 10, 'KZT', 'HIDDEN', ARRAY['Нет цены', 'Нет фото'], NULL),
    (3, NULL, 'RUB', 'ARCHIVED', ARRAY['В архиве'], NULL),
    (4, 7, 'RUB', 'VISIBLE', '{}', now())
) p (id, price, currency, visibility, reasons, removed_at);
INSERT INTO ozon.inventory (account, product_id, stock_type, sku, offer_id, present, reserved, changed_at, workflow_id)
VALUES
    ('main', 1, 'fbo', 11, 'A-1', 5, 1, now(), 'first/main'), ('main', 1, 'fbs', 12, 'A-1', 0, 2, now(), 'first/main'),
    ('main', 2, 'fbs', 21, 'A-2', 3, 0, now(), 'first/main'), ('main', 4, 'fbs', 41, 'A-4', 9, 0, now(), 'first/main');
INSERT INTO ozon.fbo_stock_requests (account, sku, asked_at, product_id, average_daily_sales)
VALUES ('main', 11, now(), 1, 0.5), ('main', 12, now(), 1, 1.5);
INSERT INTO ozon.product_price_history (
    account, product_id, valid_from, price, currency_code, valid_to, previous_price, workflow_id
) VALUES
    ('main', 1, now() - interval '3 days', 80.4, 'RUB', now() - interval '1 day', NULL, 'first/main'),
    ('main', 1, now() - interval '1 day', 100.5, 'RUB', NULL, 80.4, 'first/main'),
    ('main', 2, now() - interval '3 days', 2, 'RUB', now() - interval '1 day', NULL, 'first/main'),
    ('main', 2, now() - interval '1 day', 10, 'KZT', NULL, 2, 'first/main');
INSERT INTO ozon.visibility_metrics (
    account, measured_at, products, visible, hidden, moderation, declined, archived, unknown, turned_visible,
    turned_invisible, visible_without_stock, hidden_with_stock, quality_parts, impact
) VALUES ('main', now(), 3, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, '[]', '{
    "RUB": {"hidden_products": 0, "hidden_units": 0, "hidden_money": "0", "lost_hidden": "0",
            "lost_without_stock": "1.10", "lost_per_day": "1.10"},
    "KZT": {"hidden_products": 1, "hidden_units": 3, "hidden_money": "30", "lost_hidden": "2.5",
            "lost_without_stock": "0", "lost_per_day": "2.5"}
}');
INSERT INTO ozon.etl_workflow_executions (workflow_id, account, dag_run_id, trigger, environment, status, started_at)
VALUES ('first/main', 'main', 'first', 'manual', 'testing', 'failed', now() - interval '9 hours');
INSERT INTO ozon.etl_component_executions (
    workflow_id, component, attempt, account, status, started_at, finished_at, rows_read, rows_inserted, rows_removed
) VALUES
    ('first/main', 'product_etl', 1, 'main', 'success', now() - interval '9 hours', now() - interval '8 hours', 4, 3,
     1),
    ('first/main', 'product_etl', 2, 'main', 'failed', now() - interval '7 hours', now(), 0, 0, 0);
INSERT INTO ozon.incidents (incident_id, "group", account, level, opened_at, resolved_at) VALUES
    ('now', 'loads', 'main', 'critical', now() - interval '90 minutes', NULL),
    ('past', 'loads', 'main', 'warning', now() - interval '2 days', now() - interval '1 day');
INSERT INTO ozon.alerts (
    alert_id, incident_id, rule, account, subject, level, opened_at, last_seen_at, resolved_at, message
) VALUES
    ('a', 'now', 'task_failed', 'main', '', 'critical', now() - interval '1 hour', now(), NULL, 'Second.'),
    ('b', 'now', 'failures_in_a_row', 'main', '', 'warning', now() - interval '2 hours', now(), NULL, 'First.'),
    ('c', 'now', 'runs_late', 'main', '', 'warning', now() - interval '3 hours', now(), now(), 'Over.'),
    ('d', 'past', 'task_failed', 'main', '', 'warning', now() - interval '2 days', now(), now(), 'Then.');
"""


PLACEHOLDER = "postgresql+psycopg://dashboards:PASSWORD@HOST:5432/DATABASE"


class Reader:
    """A role that may read the views only."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    @property
    def url(self) -> str:
        return self.dsn.replace("postgresql:", "postgresql+psycopg:", 1)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.dsn, row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    def plan(self, query: str) -> str:
        return "\n".join(row["QUERY PLAN"] for row in self.rows(f"EXPLAIN {query}"))


@pytest.fixture
def reader(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[Reader]:
    with psycopg.connect(warehouse_dsn) as connection:
        connection.execute(_ROWS)
    with bi_reader(postgres, warehouse_dsn) as dsn:
        yield Reader(dsn)


def test_products_have_their_stock_and_none_is_a_removed_one(reader: Reader) -> None:
    rows = reader.rows("SELECT * FROM ozon_bi.products ORDER BY product_id")

    names = ("product_id", "is_visible", "days_hidden", "hidden_reasons", "stock_present", "stock_available")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (1, True, None, "", 5, 4),  # an impossible stock below 0 counts as 0
        (2, False, 2, "Нет цены; Нет фото", 3, 3),
        (3, False, None, "В архиве", None, None),
    ]
    assert [row["stock_value"] for row in rows] == [402, 30, None]
    assert rows[0]["average_daily_sales"] == 2
    stock = reader.rows("SELECT product_id, sum(available) AS available FROM ozon_bi.stock GROUP BY 1 ORDER BY 1")
    assert stock == [{"product_id": 1, "available": 4}, {"product_id": 2, "available": 3}]
    reasons = reader.rows("SELECT reason FROM ozon_bi.hidden_reasons ORDER BY reason")
    assert [row["reason"] for row in reasons] == ["Нет фото", "Нет цены"]


def test_money_of_two_currencies_is_neither_added_nor_compared(reader: Reader) -> None:
    money = reader.rows("SELECT currency_code, hidden_value, lost_per_day FROM ozon_bi.visibility_money ORDER BY 1")
    changes = reader.rows("SELECT product_id, change_pct FROM ozon_bi.price_history WHERE is_current ORDER BY 1")

    assert [tuple(row.values()) for row in money] == [("KZT", 30, 2.5), ("RUB", 0, Decimal("1.1"))]
    assert [tuple(row.values()) for row in changes] == [(1, 25), (2, None)]


def test_freshness_is_the_last_success_and_incidents_have_their_messages(reader: Reader) -> None:
    (freshness,) = reader.rows("SELECT component, age_hours, rows_changed, failed_since FROM ozon_bi.freshness")
    incidents = reader.rows("SELECT is_open, open_hours, messages FROM ozon_bi.incidents ORDER BY is_open DESC")

    assert tuple(freshness.values()) == ("product_etl", 8, 4, 1)
    assert [tuple(row.values()) for row in incidents] == [(True, 1.5, "First.\nSecond."), (False, 24, "Then.")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM ozon.products",
        "SELECT FROM ozon_staging.loads",
        "DELETE FROM ozon_bi.loads",
        "UPDATE ozon_bi.visibility_metrics SET products = 0",
        "CREATE VIEW ozon_bi.mine AS SELECT 1",
    ],
)
def test_the_reader_may_do_nothing_else(reader: Reader, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
        reader.rows(statement)


def test_a_query_reads_no_table_that_it_does_not_show(reader: Reader) -> None:
    account = "WHERE account = 'main'"

    assert "inventory" not in reader.plan(f"SELECT visibility, count(*) FROM ozon_bi.products {account} GROUP BY 1")
    assert "on products" not in reader.plan(f"SELECT sum(difference) FROM ozon_bi.stock_history {account}")
    one = reader.plan(f"SELECT * FROM ozon_bi.products {account} AND product_id = 1")
    assert len(re.findall(r"Index Cond: \(+(?:i\.|p\.|f\.)?account", one)) == 3, one


def test_a_tool_finds_the_views_with_their_descriptions(reader: Reader) -> None:
    engine = sqlalchemy.create_engine(reader.url)
    found = sqlalchemy.inspect(engine)

    assert set(found.get_view_names("ozon_bi")) == {view.name for view in VIEWS}
    for view in VIEWS:
        columns = {column["name"]: column["comment"] for column in found.get_columns(view.name, "ozon_bi")}
        assert columns == {column.name: column.comment for column in view.columns}
    engine.dispose()


def test_the_pages_example_for_pandas_runs(reader: Reader) -> None:
    (example,) = re.findall(r"^```python\n(.+?)^```", VIEWS_PATH.read_text("utf-8"), flags=re.M | re.S)
    found: dict[str, Any] = {}

    exec(example.replace(PLACEHOLDER, reader.url), found)

    assert dict(found["reasons"].values) == {"Нет фото": 1, "Нет цены": 1}
    found["engine"].dispose()


def test_a_downgrade_does_not_drop_somebodys_view(warehouse_dsn: str) -> None:
    connect = partial(psycopg.connect, warehouse_dsn)
    with connect() as connection:
        connection.execute("CREATE SCHEMA mine; CREATE VIEW mine.dear AS SELECT product_id FROM ozon_bi.products")

    with pytest.raises(SchemaError, match=r"mine\.dear"):
        schema.downgrade(connect, "0009")

    with connect() as connection:
        connection.execute("DROP SCHEMA mine CASCADE")
    schema.downgrade(connect, "0009")
    with connect() as connection:
        assert connection.execute("SELECT to_regnamespace('ozon_bi')").fetchone() == (None,)
    schema.upgrade(connect)


def test_views_that_a_dump_did_not_contain_come_back(warehouse_dsn: str) -> None:
    connect = partial(psycopg.connect, warehouse_dsn)
    with connect() as connection:
        connection.execute("DROP SCHEMA ozon_bi CASCADE")

    schema.downgrade(connect, "0009")
    schema.upgrade(connect)

    with connect() as connection:
        found = {name for (name,) in connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'ozon_bi'")}
    assert found == {view.name for view in VIEWS}
