"""The shape of answers: classes for values, shares for numbers."""

from __future__ import annotations

from typing import Any

import pytest

from include.ozon.marketplace.answers import ProductDetail, StockItem
from include.ozon.marketplace.redaction import Redactor
from include.ozon.marketplace.shape import FieldShape, coarse, describe, expected_fields, kind_of, share


def shapes(*entries: Any, **options: Any) -> dict[str, FieldShape]:
    return {shape.path: shape for shape in describe(entries, redactor=Redactor(), **options)}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "zero"),
        (7, "integer"),
        (-7, "negative integer"),
        (2**63 - 1, "integer"),
        (2**63, "integer beyond 64 bits"),
        (4.0, "whole float"),
        (4.5, "float"),
        (-4.5, "negative float"),
        (float("inf"), "number beyond a float"),
        ([], "empty array"),
        ([0], "array"),
        ({}, "empty object"),
        ({"a": 0}, "object"),
        ("", "empty"),
        (" ", "blank"),
        ("12", "integer text"),
        ("699.00", "decimal text"),
        ("699,00", "decimal text with a comma"),
        ("2026-03-01T12:30:00Z", "moment"),
        ("2026-03-01T12:30:00.123456+03:00", "moment"),
        ("2026-03-01 12:30:00", "moment with a space"),
        ("2026-03-01T12:30:00", "moment without a zone"),
        ("0001-01-01T00:00:00Z", "zero moment"),
        ("2026-03-01", "date"),
        ("https://cdn1.ozone.ru/7.jpg", "URL"),
        ("price_sent", "text (latin)"),
        ("Продаётся ", "text (cyrillic) with spaces around"),
        ("准备出售", "text (han)"),
        ("Кружка USB", "text (cyrillic+latin)"),
        ("12-34", "text (no letters)"),
        ("до\x00после", "text (cyrillic) with control characters"),
        ("\ud83d", "text (no letters) with control characters"),
        ("ж" * 501, "text (cyrillic) over 500 characters"),
    ],
)
def test_a_value_becomes_its_class(value: object, kind: str) -> None:
    assert kind_of(value) == kind


def test_numbers_and_shares_are_coarse() -> None:
    assert [coarse(n) for n in (0, 1, 2, 9, 10, 137, 1_000)] == [
        "0",
        "1",
        "2-9",
        "2-9",
        "10-99",
        "100-999",
        "1000-9999",
    ]
    assert [share(n, 1_000) for n in (0, 1, 250, 999, 1_000)] == ["0 %", "<1 %", "25 %", ">99 %", "100 %"]


def test_each_field_has_the_shares_of_its_types_and_of_the_entries_without_it() -> None:
    found = shapes({"id": 1, "sku": "7"}, {"id": 2, "sku": None}, {"id": 3}, {"id": 4, "sku": 0})
    assert found["id"].kinds == {"integer": "100 %"}
    assert found["sku"].kinds == {"integer text": "25 %", "null": "25 %", "zero": "25 %", "missing": "25 %"}


def test_a_field_is_missing_only_where_the_object_that_it_belongs_to_came() -> None:
    found = shapes({"errors": [{"code": "A"}, {}]}, {"errors": []}, {"errors": None})
    assert found["errors[].code"].kinds == {"text (latin)": "50 %", "missing": "50 %"}
    assert found["errors[]"].kinds == {"object": "50 %", "empty object": "50 %"}


def test_fields_are_known_by_the_type_that_reads_them() -> None:
    found = shapes(
        {"product_id": 1, "stocks": [{"type": "fbo", "colour": 1}], "quanta": {"spin": 1}}, answer_type=StockItem
    )
    assert found["product_id"].use == "required"
    assert found["stocks[].type"].use == "required"
    assert (found["stocks[].sku"].use, found["stocks[].sku"].kinds) == ("used", {"missing": "100 %"})
    assert [found[path].use for path in ("stocks[].colour", "quanta", "quanta.spin")] == ["not used"] * 3
    # Used fields come first.
    assert list(found)[-3:] == ["quanta", "quanta.spin", "stocks[].colour"]


def test_all_fields_of_a_type_are_expected() -> None:
    expected = expected_fields(ProductDetail)
    assert expected["id"] is True
    assert expected["availabilities[].reasons[].human_text.text"] is False
    assert {"statuses.status_name", "errors[].level", "errors[]"} <= expected.keys()


def test_an_entry_that_is_not_an_object_has_its_own_row() -> None:
    assert shapes({"id": 1}, None, 7)["the entry"].kinds == {"object": "33 %", "null": "33 %", "integer": "33 %"}


def test_words_are_shown_for_the_named_fields_only_and_where_they_look_like_words() -> None:
    entries = [
        {"status": text, "name": "Кружка"} for text in ("active", "active", "АРТ-100001", "", "shop@mail.example")
    ]
    found = shapes(*entries, words=("status",))
    assert found["status"].words == {"active": "2-9"}
    assert found["name"].words == {}


def test_a_field_with_very_many_words_is_not_an_enumeration() -> None:
    many = [{"status": "word_" + chr(97 + n // 26) + chr(97 + n % 26)} for n in range(41)]
    assert len(shapes(*many[:40], words=("status",))["status"].words) == 40
    assert shapes(*many, words=("status",))["status"].words == {}
    methods = [{"status": "/v1/" + "a" * n} for n in range(1, 30)]
    assert len(shapes(*many, *methods, words=("status",))["status"].words) == 29


def test_names_that_are_not_field_names_become_their_class() -> None:
    found = shapes({"Кружка": 1, "100001": 2, "mug-7": 3, "key 17": 4, "images360": 5})
    assert set(found) == {"<text (cyrillic)>", "<integer text>", "<text (latin)>", "images360"}


def test_the_names_of_a_map_are_left_out() -> None:
    found = shapes({"prices": {"mug_" + chr(97 + n // 26) + chr(97 + n % 26): n for n in range(101)}})
    assert list(found) == ["prices"]
    assert found["prices"].kinds == {"object of over 100 names": "100 %"}


def test_a_very_deep_answer_is_cut_off() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    assert len(shapes({"deep": deep})) < 20


def test_everything_below_a_skipped_path_is_left_out() -> None:
    assert list(shapes({"items": [{"id": 1}], "total": 1}, skip="items[]")) == ["items", "total"]
