from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ozon.errors import BadDataError
from include.ozon.marketplace.answers import RejectedItem
from include.ozon.marketplace.client import (
    FBO_STOCKS,
    PRODUCT_DETAILS,
    PRODUCT_LIST,
    STOCKS,
    WAREHOUSE_STOCKS,
    WAREHOUSES,
)
from include.ozon.marketplace.decoding import NotJsonError

pytestmark = pytest.mark.unit

GOOD = {"id": 7, "offer_id": "Артикул 7"}


def details(*items: object) -> bytes:
    return json.dumps({"items": items}, ensure_ascii=False).encode()


def only_rejected(body: bytes) -> RejectedItem:
    """The rejected one of two items, of which the second is good."""
    page = PRODUCT_DETAILS.decode(body)
    assert [item.id for item in page.items] == [7]
    assert len(page.rejected) == 1
    return page.rejected[0]


def test_a_product_with_nothing_but_what_the_load_needs_is_taken() -> None:
    page = PRODUCT_DETAILS.decode(details(GOOD))
    assert (page.items[0].id, page.items[0].offer_id, page.items[0].price) == (7, "Артикул 7", None)
    assert page.rejected == []


def test_null_is_the_same_as_missing_and_unknown_fields_are_ignored() -> None:
    optional = ("sku", "name", "price", "old_price", "currency_code", "is_archived", "created_at", "statuses", "errors")
    page = PRODUCT_DETAILS.decode(details({**GOOD, **dict.fromkeys(optional), "declared_price": {"x": [1]}}))
    assert page.items == PRODUCT_DETAILS.decode(details(GOOD)).items


@pytest.mark.parametrize("price", ["", "0", "699.00", "999999999999.9999999999"])
def test_prices_that_are_decimals_are_taken(price: str) -> None:
    assert PRODUCT_DETAILS.decode(details({**GOOD, "price": price})).items[0].price == price


@pytest.mark.parametrize(
    "moment", ["", "2026-03-01T12:30:00Z", "2024-02-29T23:59:59.123456789+03:00", "0001-01-01T00:00:00Z"]
)
def test_moments_are_taken_as_text(moment: str) -> None:
    assert PRODUCT_DETAILS.decode(details({**GOOD, "created_at": moment})).items[0].created_at == moment


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": 0}, "id: expected `int` >= 1; found 0"),
        ({"id": -5}, "id: expected `int` >= 1; found -5"),
        ({"id": 2**63}, f"id: expected `int` <= 9223372036854775807; found {2**63}"),
        ({"id": "5"}, 'id: expected `int`, got `str`; found "5"'),
        ({"id": None}, "id: expected `int`, got `null`; found null"),
        ({"offer_id": ""}, 'offer_id: expected `str` of length >= 1; found ""'),
        ({"offer_id": None}, "offer_id: expected `str`, got `null`; found null"),
        ({"sku": -1}, "sku: expected `int` >= 0; found -1"),
        ({"price": 699.0}, "price: expected `str | null`, got `float`; found 699.0"),
        *(
            (
                {"price": price},
                f"price: expected a decimal of at most 12 digits before the point, or empty text; {found}",
            )
            for price, found in (
                ("1e5", 'found "1e5"'),
                ("-1", 'found "-1"'),
                ("1234567890123", 'found "1234567890123"'),
                ("12\n", r'found "12\n"'),
                ("NaN", 'found "NaN"'),
                ("٣", r'found "\u0663"'),
            )
        ),
        (
            {"updated_at": "yesterday"},
            'updated_at: expected a moment like 2026-03-01T12:30:00Z (RFC 3339), or empty text; found "yesterday"',
        ),
        (
            {"created_at": "2026-02-30T00:00:00Z"},
            "created_at: expected a moment that the calendar has, found 2026-02-30T00:00:00Z",
        ),
        (
            {"availabilities": [{"reasons": [{"human_text": {"text": 5}}]}]},
            "availabilities[0].reasons[0].human_text.text: expected `str | null`, got `int`; found 5",
        ),
    ],
)
def test_an_item_that_cannot_be_loaded_is_rejected_alone(fields: dict[str, Any], reason: str) -> None:
    item = {"id": 6, "offer_id": "A-6", **fields}
    rejected = only_rejected(details(item, GOOD))
    assert rejected.reason == reason
    assert json.loads(rejected.payload) == item
    assert rejected.product_id == (6 if item["id"] == 6 else None)


def test_a_missing_field_is_named() -> None:
    assert only_rejected(details({"offer_id": "x"}, GOOD)).reason == "id: expected a value, and the field is missing"


@pytest.mark.parametrize("item", ["text", 5, None, [1]])
def test_an_entry_that_is_no_object_is_rejected(item: object) -> None:
    rejected = only_rejected(details(item, GOOD))
    assert rejected.reason.startswith("the entry: expected `object`, got ")
    assert json.loads(rejected.payload) == item


def test_the_payload_is_what_was_received_to_the_byte() -> None:
    raw = b'{"id": 6,  "offer_id": "", "rate": 0.10, "twice": 1, "twice": 2}'
    assert only_rejected(b'{"items": [%s, {"id": 7, "offer_id": "x"}]}' % raw).payload == raw.decode()


def test_a_text_with_a_backslash_and_u0000_in_it_is_no_nul() -> None:
    page = PRODUCT_DETAILS.decode(rb'{"items": [{"id": 7, "offer_id": "a\\u0000", "name": "\\ud800"}]}')
    assert (page.items[0].offer_id, page.items[0].name) == ("a\\u0000", "\\ud800")


def test_a_backslash_before_ud800_is_no_surrogate_on_a_page_that_has_one() -> None:
    page = PRODUCT_DETAILS.decode(
        rb'{"items": [{"id": 6, "offer_id": "\ud800"}, {"id": 7, "offer_id": "a\\ud800", "name": "\ud83d\ude00"}]}'
    )
    assert [(item.offer_id, item.name) for item in page.items] == [("a\\ud800", "😀")]


UNSTORABLE = [
    (rb"a\u0000b", r"a\u0000b"),
    (rb"a\ud800b", r"a\ud800b"),
    (rb"a\uDFFFb", r"a\uDFFFb"),
    (rb"\ud83d", r"\ud83d"),
    (rb"\\\ud83d", r"\\\ud83d"),
    (rb"\ud83d\ud83d\ude00", r"\ud83d\ud83d\ude00"),
    (b"a\xffb", r"a\xffb"),
    (b"\xed\xa0\x80", r"\xed\xa0\x80"),
]


@pytest.mark.parametrize(("received", "kept"), UNSTORABLE)
def test_text_that_postgresql_cannot_hold_is_rejected_and_kept_spelled_out(received: bytes, kept: str) -> None:
    item = b'{"id": 6, "offer_id": "x", "name": "%s"}' % received
    rejected = only_rejected(b'{"items": [%s, {"id": 7, "offer_id": "x"}]}' % item)
    assert rejected.reason.startswith("name: expected text that PostgreSQL can store, found a NUL character")
    assert json.loads(rejected.payload) == {"unparsed": f'{{"id": 6, "offer_id": "x", "name": "{kept}"}}'}
    assert rejected.product_id == 6


@pytest.mark.parametrize(("received", "kept"), UNSTORABLE)
def test_text_that_is_not_stored_rejects_nothing(received: bytes, kept: str) -> None:
    page = PRODUCT_DETAILS.decode(b'{"items": [{"id": 7, "offer_id": "x", "vat": "%s"}]}' % received)
    assert ([item.id for item in page.items], page.rejected) == ([7], [])


def test_two_faults_in_one_item_and_a_surrogate_pair_beside_them() -> None:
    raw = b'{"id": 0, "offer_id": "\\ud83d\\ude00", "name": "\xff\\u0000"}'
    rejected = only_rejected(b'{"items": [%s, {"id": 7, "offer_id": "x"}]}' % raw)
    assert rejected.reason == "id: expected `int` >= 1; found 0"
    assert json.loads(rejected.payload) == {"unparsed": r'{"id": 0, "offer_id": "\ud83d\ude00", "name": "\xff\u0000"}'}


@pytest.mark.parametrize("number", [b"1e400", b"-1e99999", b"1e-99999", b"9" * 5000])
def test_a_number_that_a_jsonb_column_may_not_hold_is_kept_as_text(number: bytes) -> None:
    raw = b'{"id": 0, "offer_id": "x", "weight": %s}' % number
    rejected = only_rejected(b'{"items": [%s, {"id": 7, "offer_id": "x"}]}' % raw)
    assert json.loads(rejected.payload) == {"unparsed": raw.decode()}
    assert "id: expected" in rejected.reason


@given(
    good=st.lists(st.integers(1, 2**63 - 1), max_size=5),
    names=st.lists(st.text(st.characters(codec=None)), max_size=5),
)
def test_no_entry_is_ever_lost_and_whatever_is_stored_can_be(good: list[int], names: list[str]) -> None:
    items = [{"id": number, "offer_id": "x"} for number in good]
    items += [{"id": 1, "offer_id": "x", "name": name} for name in names]
    page = PRODUCT_DETAILS.decode(json.dumps({"items": items}).encode())
    assert page.item_count == len(items)
    for item in page.items:
        assert "\0" not in (item.name or "")
        (item.name or "").encode()
    for rejected in page.rejected:
        assert "\\u0000" not in rejected.payload.replace("\\\\", "")
        (rejected.payload + rejected.reason).encode()
        assert "\0" not in rejected.reason


@pytest.mark.parametrize(
    "body",
    [b"", b"<html></html>", b'{"items": [{"id": 7', b'{"items": []} x', b"\xff\xfe", b'{"items": [' + b"[" * 9999],
)
def test_what_is_no_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        PRODUCT_DETAILS.decode(body)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"items": null}', b'{"items": {}}', b'{"result": {}}', b"null"])
def test_json_that_is_not_the_methods_list_is_bad_data(body: bytes) -> None:
    with pytest.raises(BadDataError, match="/v3/product/info/list answered with JSON that is not its list"):
        PRODUCT_DETAILS.decode(body)


def test_a_cursor_that_is_no_text_is_bad_data() -> None:
    with pytest.raises(BadDataError, match="last_id"):
        PRODUCT_LIST.decode(b'{"result": {"items": [], "last_id": 5}}')


@pytest.mark.parametrize(
    ("counters", "total_items"),
    [
        ({}, None),
        ({"total_items": 5}, 5),
        ({"total": 5}, 5),
        ({"total": 4, "total_items": 5}, 5),
        ({"total": 0, "total_items": 5}, 5),
        ({"total": None, "total_items": None}, None),
        ({"total": 0}, None),
    ],
)
def test_the_total_is_taken_where_it_is_given(counters: dict[str, int | None], total_items: int | None) -> None:
    body = json.dumps({"result": {"items": [{"product_id": 1}], "last_id": "", **counters}}).encode()
    assert PRODUCT_LIST.decode(body).total_items == total_items


@pytest.mark.parametrize(
    ("stock", "reason"),
    [
        ({"type": "fbs", "present": -7, "reserved": 0}, "stocks[0].present: expected `int` >= 0; found -7"),
        (
            {"type": "fbs", "present": 2**31, "reserved": 0},
            "stocks[0].present: expected `int` <= 2147483647; found 2147483648",
        ),
        ({"type": "fbs", "present": 1}, "stocks[0].reserved: expected a value, and the field is missing"),
        ({"type": "", "present": 1, "reserved": 0}, 'stocks[0].type: expected `str` of length >= 1; found ""'),
        ({"type": "fbs", "present": 1.5, "reserved": 0}, "stocks[0].present: expected `int`, got `float`; found 1.5"),
    ],
)
def test_impossible_stocks_are_rejected(stock: dict[str, Any], reason: str) -> None:
    page = STOCKS.decode(details({"product_id": 5, "offer_id": "x", "stocks": [stock]}))
    assert [(rejected.reason, rejected.product_id) for rejected in page.rejected] == [(reason, 5)]


@pytest.mark.parametrize("fields", [{}, {"stocks": None}])
def test_stocks_that_are_not_told_are_not_taken_for_none(fields: dict[str, None]) -> None:
    page = STOCKS.decode(details({"product_id": 5, "offer_id": "x", **fields}))
    assert (page.items, len(page.rejected)) == ([], 1)


@pytest.mark.parametrize("field", ["ads", "idc"])
@pytest.mark.parametrize("value", ["1e400", "-1", "1e300"])
def test_impossible_measures_are_rejected(field: str, value: str) -> None:
    item = f'{{"sku": 1, "warehouse_id": 2, "available_stock_count": 3, "{field}": {value}}}'
    page = FBO_STOCKS.decode(f'{{"items": [{item}]}}'.encode())
    assert page.rejected[0].reason.startswith(f"{field}: ")


def test_the_other_lists_have_their_own_names_for_the_same_things() -> None:
    warehouses = WAREHOUSES.decode(
        b'{"warehouses": [{"warehouse_id": 5, "name": "A"}], "cursor": "c", "has_next": true}'
    )
    assert (warehouses.items[0].warehouse_id, warehouses.cursor, warehouses.has_next) == (5, "c", True)
    stocks = WAREHOUSE_STOCKS.decode(
        b'{"stocks": [{"sku": 1, "product_id": 2, "warehouse_id": 5, "present": 3, "reserved": 1}], "has_next": false}'
    )
    assert (stocks.items[0].present, stocks.items[0].offer_id, stocks.has_next) == (3, None, False)
