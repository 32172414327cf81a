"""Single entries that cannot be loaded are kept and counted; all others are loaded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from include.ozon.errors import MarketplaceUnavailableError
from tests.support.agreement import assert_agreement, true_product, warehouse_products
from tests.support.pipeline import Pipeline, changed

pytestmark = pytest.mark.faults

LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"

# The fault's name and parameters, the text that the reason must contain, and the columns the product is loaded without.
UNREADABLE_IDS: dict[str, tuple[str, dict[str, Any]]] = {
    "no id": ("drop_field", {"field": "id"}),
    "id null": ("set_field", {"field": "id", "value": None}),
    "negative id": ("set_field", {"field": "id", "value": -5}),
    "id too large": ("set_field", {"field": "id", "value": 2**63}),
    "id is an object": ("set_field", {"field": "id", "value": {"id": 5}}),
}

UNREADABLE_FIELDS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "empty article": ("odd_text", {"field": "offer_id", "kind": "empty"}, "offer_id", {"offer_id": ""}),
    "endless article": ("odd_text", {"field": "offer_id", "kind": "long"}, "offer_id", {"offer_id": ""}),
    "huge price": ("set_field", {"field": "price", "value": "9" * 400}, "price", {"price": None}),
    "negative price": ("set_field", {"field": "price", "value": "-1.00"}, "price", {"price": None}),
    "price with an exponent": ("set_field", {"field": "old_price", "value": "1e400"}, "old_price", {"old_price": None}),
    "price as an object": ("set_field", {"field": "price", "value": {"amount": 1}}, "price", {"price": None}),
    "impossible moment": ("set_field", {"field": "created_at", "value": "2026-13-01T00:00:00Z"}, "created_at", {}),
    "NUL in the name": ("odd_text", {"field": "name", "kind": "nul"}, "name", {"name": ""}),
    "lone surrogate in the name": ("odd_text", {"field": "name", "kind": "lone_surrogate"}, "name", {"name": ""}),
    "lone surrogate in a status": (
        "odd_text",
        {"field": "statuses.status_name", "kind": "lone_surrogate"},
        "statuses.status_name",
        {"status_name": ""},
    ),
}

# Other spellings of the same value.
SPELLINGS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "price as a number": ("set_field", {"field": "price", "value": 699.5}, {"price": Decimal("699.5")}),
    "price as a whole number": ("set_field", {"field": "old_price", "value": 999}, {"old_price": Decimal(999)}),
    "name as a number": ("set_field", {"field": "name", "value": 12345}, {"name": "12345"}),
    "archived as text": ("set_field", {"field": "is_archived", "value": "false"}, {}),
    "texts as a list": ("set_field", {"field": "errors.texts", "value": []}, {}),
    "visibility_details as a list": (
        "set_field",
        {"field": "visibility_details", "value": []},
        {"has_price": False, "has_stock": False},
    ),
    "sku as text": ("set_field", {"field": "sku", "value": "900001008"}, {"sku": 900001008}),
    "a moment with a space": ("set_field", {"field": "updated_at", "value": "2026-03-01 12:30:00"}, {}),
}

HARMLESS_DETAILS: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown fields": ("unknown_fields", {}),
    "control characters": ("odd_text", {"field": "name", "kind": "control"}),
    "text in two directions": ("odd_text", {"field": "name", "kind": "bidi"}),
    "endless name": ("odd_text", {"field": "name", "kind": "long"}),
    "no name": ("drop_field", {"field": "name"}),
    "no article": ("drop_field", {"field": "offer_id"}),
    "a moment that was never set": ("set_field", {"field": "updated_at", "value": "0001-01-01T00:00:00Z"}),
    "no errors": ("set_field", {"field": "errors", "value": None}),
    "no moments": ("set_field", {"field": "updated_at", "value": ""}),
}


@pytest.fixture
def without_rejected_guard(pipeline: Pipeline) -> Pipeline:
    pipeline.settings = changed(pipeline.settings, "guards.rejected", level="off")
    return pipeline


@pytest.mark.parametrize("case", UNREADABLE_IDS)
def test_a_product_without_a_readable_id_is_rejected_and_all_others_are_loaded(pipeline: Pipeline, case: str) -> None:
    name, params = UNREADABLE_IDS[case]
    truth = pipeline.truth()
    pipeline.sandbox.fault(name, method=DETAILS, share=0.1, **params)

    numbers = pipeline.products()

    rejected = pipeline.rejected()
    loaded = warehouse_products(pipeline, "main")
    assert rejected
    assert numbers.rows_rejected == len(rejected)
    assert numbers.rows_read == numbers.rows_inserted + numbers.rows_rejected == len(truth)
    assert loaded == {product_id: true_product(truth[product_id]) for product_id in loaded}
    assert {(row["kind"], row["reason"].partition(":")[0]) for row in rejected} == {("entry", "id")}
    assert [row["n"] for row in rejected] == list(range(1, len(rejected) + 1))
    assert all(row["payload"].get("id") == params.get("value") for row in rejected)


@pytest.mark.parametrize("case", UNREADABLE_FIELDS)
def test_an_unreadable_field_costs_only_that_field(pipeline: Pipeline, case: str) -> None:
    name, params, path, columns = UNREADABLE_FIELDS[case]
    truth = pipeline.truth()
    pipeline.sandbox.fault(name, method=DETAILS, share=0.1, **params)

    numbers = pipeline.products()

    assert (numbers.rows_inserted, numbers.rows_rejected) == (len(truth), 0)
    noted = pipeline.rejected()
    assert numbers.details["rejected_fields"] == len(noted) > 0
    assert [(row["n"], row["kind"]) for row in noted] == [(n, "field") for n in range(1, len(noted) + 1)]
    assert all(row["reason"].partition(": ")[0].endswith(path) for row in noted)
    loaded = warehouse_products(pipeline, "main")
    wrong = {product_id for product_id, row in loaded.items() if row != true_product(truth[product_id])}
    assert len(wrong) <= len(noted)
    for product_id in wrong:
        visibility = loaded[product_id]["visibility"]
        assert visibility == truth[product_id]["visibility"]
        assert loaded[product_id] == {**true_product(truth[product_id]), **columns}


def test_a_reason_that_cannot_be_stored_costs_only_that_reason(pipeline: Pipeline) -> None:
    path = "availabilities.reasons.human_text.text"
    pipeline.sandbox.fault("odd_text", method=DETAILS, field=path, kind="nul")

    numbers = pipeline.products()

    assert (numbers.rows_inserted, numbers.rows_rejected) == (len(pipeline.truth()), 0)
    reasons = pipeline.rows("SELECT DISTINCT hidden_reasons FROM ozon.products WHERE visibility = 'HIDDEN'")
    # Only the description of its status is left.
    assert {reason for row in reasons for reason in row["hidden_reasons"]} == {
        "Нет на складе",
        "Снят с продажи",
        "Не создан",
    }
    assert all(row["reason"].startswith("availabilities[") for row in pipeline.rejected())


@pytest.mark.parametrize("case", SPELLINGS)
def test_another_spelling_with_a_clear_meaning_is_read(pipeline: Pipeline, case: str) -> None:
    name, params, columns = SPELLINGS[case]
    truth = pipeline.truth()
    pipeline.sandbox.fault(name, method=DETAILS, **params)

    numbers = pipeline.products()

    assert pipeline.rejected() == []
    assert numbers.rows_inserted == len(truth)
    for column, value in columns.items():
        assert pipeline.rows(f"SELECT DISTINCT {column} FROM ozon.products") == [{column: value}]
    if params["field"] == "updated_at":
        moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
        assert pipeline.rows("SELECT DISTINCT ozon_updated_at AS at FROM ozon.products") == [{"at": moment}]


def test_a_type_that_changes_for_all_products_does_not_stop_a_load(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.fault("wrong_types", method=DETAILS)
    pipeline.sandbox.fault("set_field", method=DETAILS, field="visibility_details", value="yes")
    pipeline.settings = changed(pipeline.settings, "guards.price_change", level="off")

    assert pipeline.load("after") == "success"

    details = pipeline.workflow("after")["execution_details"]["product_etl"]
    assert details["rejected_fields"] == 2 * len(pipeline.truth())
    fields = {row["payload"]["field"] for row in pipeline.rejected()}
    assert fields == {"statuses", "visibility_details"}


@pytest.mark.parametrize("case", HARMLESS_DETAILS)
def test_unused_fields_reject_nothing(pipeline: Pipeline, case: str) -> None:
    name, params = HARMLESS_DETAILS[case]
    pipeline.sandbox.fault(name, method=DETAILS, **params)

    numbers = pipeline.products()

    assert (numbers.rows_inserted, numbers.rows_rejected) == (len(pipeline.truth()), 0)


def test_odd_text_is_stored_unchanged(pipeline: Pipeline) -> None:
    names = {"control": "до\x01\x1b[31m\x7fпосле", "bidi": "до\u202eпосле\u2066", "long": "ж" * 100_000}
    for kind, name in names.items():
        pipeline.sandbox.clear_faults()
        pipeline.sandbox.fault("odd_text", method=DETAILS, kind=kind)
        pipeline.products(kind)
        assert pipeline.rows("SELECT DISTINCT name FROM ozon.products") == [{"name": name}]


def test_text_with_special_characters_of_copy_is_stored_unchanged(pipeline: Pipeline) -> None:
    name = 'a\tb\nc\rd\\N\\.e"{},\\'
    pipeline.sandbox.fault("set_field", method=DETAILS, field="name", value=name)
    pipeline.sandbox.fault("set_field", method=DETAILS, field="availabilities.reasons.human_text.text", value=name)

    pipeline.products()

    assert pipeline.rows("SELECT DISTINCT name FROM ozon.products") == [{"name": name}]
    reasons = pipeline.rows(
        "SELECT DISTINCT hidden_reasons[1] AS reason FROM ozon.products WHERE visibility = 'HIDDEN'"
    )
    assert reasons == [{"reason": name}]


def test_an_entry_of_a_list_without_an_id_is_kept_once(pipeline: Pipeline) -> None:
    truth = pipeline.truth()
    pipeline.sandbox.fault("drop_field", method=LIST, field="product_id", share=0.05)

    numbers = pipeline.products()

    offer_ids = {row["payload"]["offer_id"] for row in pipeline.rejected()}
    missing = truth.keys() - warehouse_products(pipeline, "main").keys()
    assert missing
    assert offer_ids == {truth[product_id]["offer_id"] for product_id in missing}
    assert numbers.rows_rejected == len(missing)
    assert numbers.rows_read == len(truth)


def test_a_list_entry_with_a_readable_id_loses_nothing(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.fault("set_field", method=LIST, field="sku", value="none", share=0.05)

    numbers = pipeline.products("after")

    assert (numbers.rows_rejected, numbers.rows_removed) == (0, 0)
    assert numbers.rows_read == len(pipeline.truth())


def test_a_known_product_that_cannot_be_read_keeps_its_last_good_state(without_rejected_guard: Pipeline) -> None:
    pipeline = without_rejected_guard
    pipeline.load("before")
    good = pipeline.versions("products", "product_visibility_history")
    pipeline.sandbox.fault("set_field", method=DETAILS, field="id", value=None, share=0.2)

    numbers = pipeline.products("after")

    assert numbers.rows_rejected > 0
    assert numbers.rows_removed == 0
    assert numbers.rows_unchanged + numbers.rows_rejected == len(pipeline.truth())
    assert pipeline.versions("products", "product_visibility_history") == good


def test_unknown_statuses_are_logged_with_their_values(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    pipeline.sandbox.fault("unknown_status", share=0.1)
    truth = pipeline.truth()
    unknown = {product_id for product_id, row in truth.items() if row["visibility"] == "UNKNOWN"}

    with caplog.at_level(logging.INFO, logger="ozon.visibility"):
        numbers = pipeline.products()

    assert unknown
    assert numbers.visibility_counts is not None
    assert numbers.visibility_counts["UNKNOWN"] == len(unknown)
    assert_products_are(pipeline, "UNKNOWN", unknown)
    (warning,) = [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelname) == ("ozon.visibility", "WARNING")
    ]
    assert f"{len(unknown)} products" in warning
    for value in ("state_unheard_of", "reconsidering", "maybe", "Небывалый статус"):
        assert repr(value) in warning


def test_a_failed_attempt_also_logs_unknown_statuses(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    pipeline.sandbox.fault("unknown_status", share=0.1)
    pipeline.sandbox.fault("server_error", method=DETAILS, after=1)

    with pytest.raises(MarketplaceUnavailableError):
        pipeline.products()

    assert "'state_unheard_of'" in caplog.text


def test_products_without_statuses_are_judged_by_their_availabilities(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("drop_field", method=DETAILS, field="statuses")
    pipeline.sandbox.fault("set_field", method=DETAILS, field="errors", value=None)
    truth = pipeline.truth()

    pipeline.products()

    for visibility in ("VISIBLE", "ARCHIVED"):
        expected = {key for key, row in truth.items() if row["visibility"] == visibility}
        assert_products_are(pipeline, visibility, expected)
    others = {key for key, row in truth.items() if row["visibility"] not in {"VISIBLE", "ARCHIVED"}}
    assert_products_are(pipeline, "HIDDEN", others)


def test_products_without_details_are_unknown_unless_a_list_decides(pipeline: Pipeline) -> None:
    for field in ("statuses", "errors", "availabilities"):
        pipeline.sandbox.fault("drop_field", method=DETAILS, field=field)
    truth = pipeline.truth()

    pipeline.products()

    others = {key for key, row in truth.items() if row["visibility"] not in {"VISIBLE", "ARCHIVED"}}
    assert_products_are(pipeline, "UNKNOWN", others)


def test_a_new_product_without_details_is_rejected_after_a_second_request(pipeline: Pipeline) -> None:
    left_out = list(pipeline.truth())[:3]
    pipeline.sandbox.fault("details_left_out", product_ids=left_out)

    numbers = pipeline.products()

    rejected = pipeline.rejected()
    assert {row["payload"]["product_id"] for row in rejected} == set(left_out)
    assert all("returned no details" in row["reason"] for row in rejected)
    assert numbers.rows_rejected == len(rejected) == 3
    assert numbers.rows_read == len(pipeline.truth())


def test_a_product_whose_details_came_with_the_second_request_is_loaded(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("details_left_out", share=1.0, method=DETAILS, times=1)

    pipeline.load()

    assert_agreement(pipeline)
    assert pipeline.rejected() == []


def test_a_known_product_that_is_listed_without_details_keeps_its_state(pipeline: Pipeline) -> None:
    pipeline.load("before")
    left_out = list(pipeline.truth())[:3]
    pipeline.sandbox.fault("details_left_out", product_ids=left_out)

    numbers = pipeline.products("after")

    assert (numbers.rows_removed, numbers.rows_rejected) == (0, 3)
    assert {row["payload"]["product_id"] for row in pipeline.rejected()} == set(left_out)
    assert pipeline.rows("SELECT product_id FROM ozon.products WHERE removed_at IS NOT NULL") == []


def assert_products_are(pipeline: Pipeline, visibility: str, product_ids: set[int]) -> None:
    rows = pipeline.rows("SELECT product_id FROM ozon.products WHERE visibility = %s", visibility)
    assert {row["product_id"] for row in rows} == product_ids
