"""The CSV is safe for spreadsheets: nothing in it is interpreted as a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.model import Product, Reason, VisibilityMetrics
from include.ozon.reports.visibility import file_name, render
from include.ozon.reports.visibility_csv import COLUMNS
from tests.support.metrics import NOW, empty, metrics, product

SETTINGS = load_settings(environment="testing", environ={})
FORMULAS = ("=", "+", "-", "@", "\t", "\r")

# PostgreSQL supports neither NUL nor half a surrogate pair.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
tricky = st.one_of(texts, st.tuples(st.sampled_from([*FORMULAS, "\n", " =", '"', ","]), texts).map("".join))


def with_product(one: Product) -> VisibilityMetrics:
    return metrics(transitions=replace(metrics().transitions, turned_invisible=(one,)))


def rows(*reported: VisibilityMetrics) -> list[dict[str, str]]:
    content = render("csv", list(reported), SETTINGS)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_it_is_utf8_with_a_byte_order_mark_and_ends_lines_with_crlf() -> None:
    content = render("csv", [metrics()], SETTINGS)
    assert content.startswith(b"\xef\xbb\xbfsection,account,")
    assert content.count(b"\n") == content.count(b"\r\n") == len(rows(metrics())) + 1
    assert "Кружка «Ёж» № 1" in content.decode("utf-8-sig")


@given(name=tricky, offer_id=tricky, reason=tricky)
def test_no_text_of_the_marketplace_is_a_formula_or_breaks_the_table(name: str, offer_id: str, reason: str) -> None:
    measured = with_product(product(name=name, offer_id=offer_id, reasons=(reason,)))
    measured = replace(measured, top_reasons=(Reason(reason, 7),))
    for row in rows(measured):
        assert tuple(row) == COLUMNS
        for column in ("offer_id", "name", "reasons", "metric"):
            assert not row[column].startswith(FORMULAS)
    turned = next(row for row in rows(measured) if row["section"] == "turned_invisible")
    assert turned["name"] in {name, f"'{name}"}
    assert turned["offer_id"] in {offer_id, f"'{offer_id}"}


@pytest.mark.parametrize("start", [*FORMULAS, "\n", " =", "＝"])
def test_a_formula_gets_an_apostrophe(start: str) -> None:
    text = start + "HYPERLINK(1)"
    (row,) = [row for row in rows(with_product(product(name=text))) if row["section"] == "turned_invisible"]
    assert row["name"] == f"'{text}"


def test_numbers_stay_numbers() -> None:
    table = pd.read_csv(io.BytesIO(render("csv", [metrics()], SETTINGS)))
    assert list(table.columns) == list(COLUMNS)
    assert pd.api.types.is_numeric_dtype(table["value"])
    products = table[table["section"] == "turned_invisible"]
    assert products["units"].tolist() == [12, 12, 12]
    assert products["price"].tolist() == [1499.9] * 3
    changed = table[table["metric"] == "visible_points_last"]
    assert changed["value"].tolist() == [-0.3]


def test_each_list_has_a_row_for_each_product_and_the_summary_the_numbers() -> None:
    sections = pd.Series([row["section"] for row in rows(metrics())]).value_counts().to_dict()
    summary = {(row["metric"], row["currency"]): row["value"] for row in rows(metrics()) if row["metric"]}
    assert sections.pop("summary") == len(summary)
    assert sections == {
        "turned_invisible": 3, "turned_visible": 1, "hidden_with_stock": 3, "visible_without_stock": 1,
        "longest_hidden": 1,
    }  # fmt: skip
    assert summary["VISIBLE", ""] == "700"
    assert summary["VISIBLE_pct", ""] == "70.0"
    assert summary["hidden_with_stock", ""] == "25"
    assert Decimal(summary["hidden_money", "RUB"]) == Decimal("2345678.90")
    assert Decimal(summary["hidden_money", "KZT"]) == Decimal("999.5")
    assert summary["quality_score", ""] == "96.5"


def test_all_products_are_named_however_many_a_mail_would_list() -> None:
    many = metrics(transitions=replace(metrics().transitions, turned_invisible=tuple(product(n) for n in range(5000))))
    assert len([row for row in rows(many) if row["section"] == "turned_invisible"]) == 5000


def test_moments_are_in_the_time_zone_as_spreadsheets_know_them() -> None:
    row = next(row for row in rows(metrics()) if row["section"] == "turned_invisible")
    assert (row["measured_at"], row["since"]) == ("2026-11-24 08:10:00", "2026-11-24 08:05:00")


def test_accounts_are_separate_and_an_empty_one_is_allowed() -> None:
    table = rows(metrics(), replace(empty(), account="second"))
    assert {row["account"] for row in table} == {"main", "second"}


def test_files_are_sorted_by_time_when_sorted_by_name() -> None:
    assert file_name("csv", NOW) == "visibility-20261124T051000Z.csv"
    assert file_name("text", NOW) == "visibility-20261124T051000Z.txt"
