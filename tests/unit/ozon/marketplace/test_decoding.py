from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ozon.errors import BadDataError
from include.ozon.marketplace.answers import (
    ErrorTexts,
    ProductDetail,
    RejectedItem,
    Statuses,
    TypeStock,
    VisibilityDetails,
)
from include.ozon.marketplace.decoding import NotJsonError
from include.ozon.marketplace.methods import (
    FBO_STOCKS,
    PRODUCT_DETAILS,
    PRODUCT_LIST,
    STOCKS,
    WAREHOUSE_STOCKS,
    WAREHOUSES,
)

GOOD = {"id": 7, "offer_id": "Артикул 7"}


def details(*items: object) -> bytes:
    return json.dumps({"items": items}, ensure_ascii=False).encode()


def only_rejected(body: bytes) -> RejectedItem:
    """Return the rejected one of two items; the second is good."""
    page = PRODUCT_DETAILS.decode(body)
    assert [item.id for item in page.items] == [7]
    assert [rejected.kind for rejected in page.rejected] == ["entry"]
    return page.rejected[0]


def read(**fields: Any) -> tuple[ProductDetail, list[RejectedItem]]:
    """Return a loaded item, and the fields that it was loaded without."""
    page = PRODUCT_DETAILS.decode(details({**GOOD, **fields}))
    (item,) = page.items
    assert {rejected.kind for rejected in page.rejected} <= {"field"}
    return item, page.rejected


def test_a_product_with_only_the_required_fields_is_loaded() -> None:
    page = PRODUCT_DETAILS.decode(details({"id": 7}))
    assert (page.items[0].id, page.items[0].offer_id, page.items[0].price) == (7, None, None)
    assert page.rejected == []


def test_null_is_the_same_as_missing_and_unknown_fields_are_ignored() -> None:
    optional = ("sku", "name", "price", "old_price", "currency_code", "is_archived", "created_at", "statuses", "errors")
    page = PRODUCT_DETAILS.decode(details({**GOOD, **dict.fromkeys(optional), "declared_price": {"x": [1]}}))
    assert page.items == PRODUCT_DETAILS.decode(details(GOOD)).items


@pytest.mark.parametrize("price", ["", "0", "699.00", "999999999999.9999999999"])
def test_decimal_prices_are_accepted(price: str) -> None:
    assert PRODUCT_DETAILS.decode(details({**GOOD, "price": price})).items[0].price == price


@pytest.mark.parametrize(
    "moment", ["", "2026-03-01T12:30:00Z", "2024-02-29T23:59:59.123456789+03:00", "0001-01-01T00:00:00Z"]
)
def test_moments_are_kept_as_text(moment: str) -> None:
    assert PRODUCT_DETAILS.decode(details({**GOOD, "created_at": moment})).items[0].created_at == moment


MAX_ID = 2**63 - 1


@pytest.mark.parametrize(
    ("product_id", "found"),
    [(0, "0"), (-5, "-5"), (2**63, str(2**63)), ("five", '"five"'), (1.5, "1.5"), (True, "true"), ([7], "[7]")],
)
def test_an_item_without_a_readable_id_is_rejected_alone(product_id: object, found: str) -> None:
    item = {"id": product_id, "offer_id": "A-6"}
    rejected = only_rejected(details(item, GOOD))
    assert rejected.reason == f"id: expected a whole number from 1 to {MAX_ID}, found {found}"
    assert json.loads(rejected.payload) == item
    assert rejected.product_id is None


@pytest.mark.parametrize(("item", "found"), [({"offer_id": "x"}, "nothing"), ({"id": None}, "null")])
def test_a_missing_id_is_named(item: dict[str, object], found: str) -> None:
    assert only_rejected(details(item, GOOD)).reason == f"id: expected a value, found {found}"


PRICE = "price: expected a decimal of at most 12 digits before the point, found "
MOMENT = "updated_at: expected a moment like 2026-03-01T12:30:00Z (RFC 3339), found "


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"offer_id": ""}, 'offer_id: expected at most 500 characters, not empty, found ""'),
        ({"sku": -1}, f"sku: expected a whole number from 0 to {MAX_ID}, found -1"),
        ({"price": "1e5"}, PRICE + '"1e5"'),
        ({"price": "-1"}, PRICE + '"-1"'),
        ({"price": "1234567890123"}, PRICE + '"1234567890123"'),
        ({"price": "1 299,00"}, PRICE + '"1 299,00"'),
        ({"price": "NaN"}, PRICE + '"NaN"'),
        ({"price": "٣"}, PRICE + r'"\u0663"'),
        ({"price": True}, PRICE + "true"),
        ({"price": [699]}, PRICE + "[699]"),
        ({"currency_code": "[/b]"}, 'currency_code: expected a currency of three letters like RUB, found "[/b]"'),
        ({"updated_at": "yesterday"}, MOMENT + '"yesterday"'),
        ({"updated_at": 1772368200}, MOMENT + "1772368200"),
        ({"updated_at": "2026-02-30T00:00:00Z"}, MOMENT + '"2026-02-30T00:00:00Z"'),
        ({"name": 1.5}, "name: expected text, found 1.5"),
        ({"is_archived": 2}, "is_archived: expected true or false, found 2"),
        ({"statuses": "price_sent"}, 'statuses: expected an object, found "price_sent"'),
        ({"statuses": {"status": {}}}, "statuses.status: expected text, found {}"),
        ({"errors": 5}, "errors: expected a list, found 5"),
        (
            {"availabilities": [{"reasons": [{"human_text": {"text": 5.5}}]}]},
            "availabilities[0].reasons[0].human_text.text: expected text, found 5.5",
        ),
        ({"sources": [{"sku": 8}, "x"]}, 'sources[1]: expected an object, found "x"'),
    ],
)
def test_an_optional_field_without_a_meaning_costs_that_field(fields: dict[str, Any], reason: str) -> None:
    item, rejected = read(**fields)
    assert (item.id, item.price, item.updated_at) == (7, None, None)
    ((kept),) = rejected
    assert (kept.reason, kept.product_id) == (reason, 7)
    payload = json.loads(kept.payload)
    assert payload["id"] == 7
    assert payload["field"] == reason.partition(":")[0]
    assert "found" in payload


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"id": "7"}, "id", 7),
        ({"id": 7.0}, "id", 7),
        ({"sku": "900001008"}, "sku", 900001008),
        ({"sku": "900001008.0"}, "sku", 900001008),
        ({"offer_id": 1007}, "offer_id", "1007"),
        ({"price": 699}, "price", "699"),
        ({"price": 699.1}, "price", "699.1"),
        ({"price": 1e2}, "price", "100.0"),
        ({"price": " 699.00 "}, "price", "699.00"),
        ({"currency_code": " rub"}, "currency_code", "RUB"),
        ({"created_at": "2026-03-01 12:30:00Z"}, "created_at", "2026-03-01T12:30:00Z"),
        ({"created_at": "2026-03-01 12:30:00.5+03:00"}, "created_at", "2026-03-01T12:30:00.5+03:00"),
        ({"created_at": "2026-03-01T12:30:00"}, "created_at", "2026-03-01T12:30:00Z"),
        ({"is_archived": "False"}, "is_archived", False),
        ({"is_archived": 1}, "is_archived", True),
        ({"errors": {}}, "errors", []),
    ],
)
def test_another_spelling_with_a_clear_meaning_is_read(fields: dict[str, Any], name: str, value: object) -> None:
    item, rejected = read(**fields)
    assert (getattr(item, name), rejected) == (value, [])


def test_an_empty_list_in_place_of_an_object_is_an_empty_object() -> None:
    item, rejected = read(errors=[{"code": "x", "texts": []}], visibility_details=[], statuses=[])
    assert rejected == []
    assert item.errors is not None
    assert (item.errors[0].texts, item.visibility_details, item.statuses) == (
        ErrorTexts(),
        VisibilityDetails(),
        Statuses(),
    )


@pytest.mark.parametrize(
    ("fields", "skus"),
    [
        ({}, ()),
        ({"sku": 0}, ()),
        ({"sku": 5}, (5,)),
        ({"sources": [{"sku": 3, "source": "fbs"}, {"sku": 2, "source": "FBO"}, {"sku": 1, "source": "x"}]}, (2, 1, 3)),
        ({"sources": [{"sku": 3, "source": "fbo"}, {"sku": 9, "source": "sds"}]}, (9, 3)),
        ({"stocks": {"stocks": [{"sku": 4, "source": "fbo", "present": 1}, {"sku": 4}]}}, (4,)),
        ({"sku": 5, "sources": [{"sku": 8}, {"sku": 6}], "stocks": {"stocks": [{"sku": 7}]}}, (5, 6, 7, 8)),
        ({"sources": [], "stocks": {"stocks": None}}, ()),
    ],
)
def test_the_skus_are_found_in_every_place(fields: dict[str, Any], skus: tuple[int, ...]) -> None:
    assert read(**fields)[0].skus == skus


@pytest.mark.parametrize("item", ["text", 5, None, [1]])
def test_an_entry_that_is_not_an_object_is_rejected(item: object) -> None:
    rejected = only_rejected(details(item, GOOD))
    assert rejected.reason.startswith("the entry: expected an object, found ")
    assert json.loads(rejected.payload) == item


def test_the_payload_is_what_was_received_to_the_byte() -> None:
    raw = b'{"id": 0,  "offer_id": "", "rate": 0.10, "twice": 1, "twice": 2}'
    assert only_rejected(b'{"items": [%s, {"id": 7, "offer_id": "x"}]}' % raw).payload == raw.decode()


def test_a_text_with_an_escaped_backslash_and_u0000_is_not_a_nul() -> None:
    page = PRODUCT_DETAILS.decode(rb'{"items": [{"id": 7, "offer_id": "a\\u0000", "name": "\\ud800"}]}')
    assert (page.items[0].offer_id, page.items[0].name) == ("a\\u0000", "\\ud800")


def test_an_escaped_backslash_before_ud800_is_not_a_surrogate() -> None:
    page = PRODUCT_DETAILS.decode(
        rb'{"items": [{"id": 6, "offer_id": "\ud800"}, {"id": 7, "offer_id": "a\\ud800", "name": "\ud83d\ude00"}]}'
    )
    assert [(item.offer_id, item.name) for item in page.items] == [(None, None), ("a\\ud800", "😀")]


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
def test_text_that_postgresql_cannot_store_is_left_out_and_kept_escaped(received: bytes, kept: str) -> None:
    page = PRODUCT_DETAILS.decode(b'{"items": [{"id": 6, "offer_id": "x", "name": "%s"}]}' % received)
    assert [(item.id, item.offer_id, item.name) for item in page.items] == [(6, "x", None)]
    (rejected,) = page.rejected
    assert rejected.reason.startswith("name: expected text that PostgreSQL can store, found ")
    unparsed = json.loads(rejected.payload)["unparsed"]
    assert unparsed == f'{{"id": 6, "offer_id": "x", "field": "name", "found": "{kept}"}}'
    assert (rejected.product_id, rejected.kind) == (6, "field")


@pytest.mark.parametrize(("received", "kept"), UNSTORABLE)
def test_text_that_is_not_stored_rejects_nothing(received: bytes, kept: str) -> None:
    page = PRODUCT_DETAILS.decode(b'{"items": [{"id": 7, "offer_id": "x", "vat": "%s"}]}' % received)
    assert ([item.id for item in page.items], page.rejected) == ([7], [])


def test_two_faults_in_one_item_and_a_surrogate_pair_beside_them() -> None:
    raw = b'{"id": 0, "offer_id": "\\ud83d\\ude00", "name": "\xff\\u0000"}'
    rejected = only_rejected(b'{"items": [%s, {"id": 7, "offer_id": "x"}]}' % raw)
    assert rejected.reason == f"id: expected a whole number from 1 to {MAX_ID}, found 0"
    assert json.loads(rejected.payload) == {"unparsed": r'{"id": 0, "offer_id": "\ud83d\ude00", "name": "\xff\u0000"}'}


@pytest.mark.parametrize("number", [b"1e400", b"-1e99999", b"1e-99999", b"9" * 5000])
def test_a_number_that_jsonb_cannot_store_is_kept_as_text(number: bytes) -> None:
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
def test_an_answer_that_is_not_json_raises_its_own_error(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        PRODUCT_DETAILS.decode(body)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"items": 5}', b'{"result": {}}', b"null"])
def test_json_without_the_methods_list_is_bad_data(body: bytes) -> None:
    with pytest.raises(BadDataError, match="/v3/product/info/list answered with unexpected JSON"):
        PRODUCT_DETAILS.decode(body)


def test_a_cursor_that_is_not_text_is_bad_data() -> None:
    with pytest.raises(BadDataError, match="last_id"):
        PRODUCT_LIST.decode(b'{"result": {"items": [], "last_id": [5]}}')


def test_a_total_without_a_meaning_is_left_out_and_noted() -> None:
    page = PRODUCT_LIST.decode(b'{"result": {"items": [{"product_id": "5"}], "last_id": 9, "total_items": "many"}}')
    assert ([item.product_id for item in page.items], page.cursor, page.total_items) == ([5], "9", None)
    assert [(rejected.kind, rejected.product_id) for rejected in page.rejected] == [("field", None)]
    assert page.item_count == 1


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
def test_the_total_is_used_if_it_is_sent(counters: dict[str, int | None], total_items: int | None) -> None:
    body = json.dumps({"result": {"items": [{"product_id": 1}], "last_id": "", **counters}}).encode()
    assert PRODUCT_LIST.decode(body).total_items == total_items


COUNT = "a whole number from 0 to 2147483647"


@pytest.mark.parametrize(
    ("stock", "reason"),
    [
        ({"type": "fbs", "present": -7, "reserved": 0}, f"stocks[0].present: expected {COUNT}, found -7"),
        ({"type": "fbs", "present": 2**31}, f"stocks[0].present: expected {COUNT}, found 2147483648"),
        ({"type": "fbs", "reserved": 1}, "stocks[0].present: expected a value, found nothing"),
        (
            {"type": "", "present": 1, "reserved": 0},
            'stocks[0].type: expected at most 100 characters, not empty, found ""',
        ),
        ({"type": "fbs", "present": 1.5, "reserved": 0}, f"stocks[0].present: expected {COUNT}, found 1.5"),
        ("none", 'stocks[0]: expected an object, found "none"'),
    ],
)
def test_impossible_stocks_are_rejected(stock: object, reason: str) -> None:
    page = STOCKS.decode(details({"product_id": 5, "offer_id": "x", "stocks": [stock]}))
    assert page.items == []
    assert [(rejected.reason, rejected.product_id, rejected.kind) for rejected in page.rejected] == [
        (reason, 5, "entry")
    ]


@pytest.mark.parametrize(
    "stock",
    [
        {"type": "fbs", "present": "4", "reserved": "1"},
        {"type": "fbs", "present": 4.0, "reserved": 1},
        {"type": "fbs", "present": "4.0", "reserved": 1.0, "sku": None},
    ],
)
def test_pieces_are_read_from_text_and_from_whole_floats(stock: dict[str, Any]) -> None:
    (item,) = STOCKS.decode(details({"product_id": "5", "stocks": [stock]})).items
    assert item.stocks == [TypeStock("fbs", 4, 1)]


def test_missing_reserved_is_zero() -> None:
    (item,) = STOCKS.decode(details({"product_id": 5, "stocks": [{"type": "FBO", "present": 4}]})).items
    assert item.stocks == [TypeStock("FBO", 4, 0)]


@pytest.mark.parametrize("fields", [{}, {"stocks": None}])
def test_missing_stocks_are_not_an_empty_list(fields: dict[str, None]) -> None:
    page = STOCKS.decode(details({"product_id": 5, "offer_id": "x", **fields}))
    assert ([item.stocks for item in page.items], page.rejected) == ([None], [])


@pytest.mark.parametrize("field", ["ads", "idc"])
@pytest.mark.parametrize("value", ["1e400", "-1", "1e300", "9" * 2000])
def test_impossible_measures_are_left_out(field: str, value: str) -> None:
    item = f'{{"sku": 1, "warehouse_id": 2, "available_stock_count": 3, "{field}": {value}}}'
    page = FBO_STOCKS.decode(f'{{"items": [{item}]}}'.encode())
    assert getattr(page.items[0], field) is None
    assert page.rejected[0].reason.startswith(f"{field}: ")
    # PostgreSQL's JSON has no Infinity, unlike Python's.
    json.loads(page.rejected[0].payload, parse_constant=pytest.fail)


BEYOND_ANY_DECIMAL = "1e99999999999999999999"


def test_a_number_beyond_any_decimal_is_one_rejected_field() -> None:
    item = f'{{"sku": 1, "warehouse_id": 2, "available_stock_count": 3, "ads": {BEYOND_ANY_DECIMAL}}}'
    page = FBO_STOCKS.decode(f'{{"items": [{item}]}}'.encode())
    assert page.items[0].ads is None
    assert json.loads(page.rejected[0].payload)["found"] == BEYOND_ANY_DECIMAL


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"items", BEYOND_ANY_DECIMAL.encode()),
        (b"items", b'"\xff"'),
        (b"cursor", b'"\xff"'),
        (b"cursor", b'"\\ud800"'),
    ],
)
def test_an_envelope_that_cannot_be_read_is_bad_data(field: bytes, value: bytes) -> None:
    fields = {b"items": b"[]", b"cursor": b'""', field: value}
    body = b", ".join(b'"%s": %s' % each for each in fields.items())
    with pytest.raises(BadDataError, match="answered with unexpected JSON"):
        FBO_STOCKS.decode(b"{%s}" % body)


def test_the_other_lists_have_their_own_names_for_the_same_things() -> None:
    warehouses = WAREHOUSES.decode(
        b'{"warehouses": [{"warehouse_id": 5, "name": "A"}], "cursor": "c", "has_next": true}'
    )
    assert (warehouses.items[0].warehouse_id, warehouses.cursor, warehouses.has_next) == (5, "c", True)
    stocks = WAREHOUSE_STOCKS.decode(
        b'{"stocks": [{"sku": 1, "product_id": 2, "warehouse_id": 5, "present": 3, "reserved": 1}], "has_next": false}'
    )
    assert (stocks.items[0].present, stocks.items[0].reserved, stocks.has_next) == (3, 1, False)
