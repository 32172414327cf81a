"""Recorded answers of the Seller API (../shared/ozon-api.md), served from memory, with mutations.

A mutation changes one field of one answer: the field is missing, null, of another type, or repeated.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.support.scripted_server import Answer, Asked, Server

LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"
WAREHOUSES, WAREHOUSE_STOCKS = "/v2/warehouse/list", "/v1/product/info/warehouse/stocks"
ANALYTICS = "/v1/analytics/stocks"

# The path to the entries in each answer.
ENTRIES: dict[str, tuple[str, ...]] = {
    LIST: ("result", "items"),
    DETAILS: ("items",),
    STOCKS: ("items",),
    WAREHOUSES: ("warehouses",),
    WAREHOUSE_STOCKS: ("stocks",),
    ANALYTICS: ("items",),
}

PRODUCT_COUNT = 12
FIRST_ID = 3_000_000_000
WAREHOUSE_ID = 23_000_000_000_001


class Again(str):
    """A repeated key of an object, which JSON allows and a dict of str does not."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def list_item(n: int) -> dict[str, Any]:
    return {
        "product_id": FIRST_ID + n,
        "offer_id": f"АРТ-{n}",
        "sku": 900_001_000 + n,
        "archived": n % 4 == 0,
        "has_fbo_stocks": n % 2 == 0,
        "has_fbs_stocks": True,
        "is_discounted": False,
        "quants": [{"quant_code": "", "quant_size": 1}],
    }


def detail_item(n: int) -> dict[str, Any]:
    sku = 900_001_000 + n
    return {
        "id": FIRST_ID + n,
        "offer_id": f"АРТ-{n}",
        "sku": sku,
        "name": f"Кружка № {n}",
        "price": "699.00",
        "old_price": "999.00",
        "min_price": "",
        "vat": "0.22",
        "currency_code": "RUB",
        "is_archived": n % 4 == 0,
        "is_autoarchived": False,
        "created_at": "2024-02-29T10:00:00.123456Z",
        "updated_at": "2026-11-01T10:00:00Z",
        "statuses": {
            "status": "price_sent",
            "status_failed": "",
            "moderate_status": "approved",
            "validation_status": "success",
            "status_name": "Готов к продаже",
            "status_description": "Нет на складе",
            "is_created": True,
            "status_tooltip": "",
            "status_updated_at": "2026-11-01T10:00:00Z",
        },
        "visibility_details": {"has_price": True, "has_stock": True},
        "availabilities": [
            {
                "sku": sku,
                "source": "fbs",
                "availability": "HIDDEN",
                "reasons": [{"id": 10, "human_text": {"text": "Нет в наличии на складе продавца"}}],
            }
        ],
        "errors": [
            {
                "code": "attribute_value_wrong",
                "field": "attribute",
                "attribute_id": 0,
                "level": "ERROR_LEVEL_WARNING",
                "state": "price_sent",
                "texts": {"description": "Значение не принято", "message": "", "short_description": ""},
            }
        ],
        "stocks": {"has_stock": True, "stocks": [{"sku": sku, "source": "fbs", "present": 4, "reserved": 1}]},
        "sources": [{"sku": sku, "source": "sds", "created_at": "2024-02-29T10:00:00Z", "quant_code": ""}],
    }


def stock_item(n: int) -> dict[str, Any]:
    sku = 900_001_000 + n
    return {
        "product_id": FIRST_ID + n,
        "offer_id": f"АРТ-{n}",
        "stocks": [
            {"type": "fbo", "present": 5, "reserved": 0, "sku": sku, "shipment_type": "", "warehouse_ids": []},
            {"type": "fbs", "present": 4, "reserved": 1, "sku": sku, "shipment_type": "", "warehouse_ids": [1]},
        ],
    }


def warehouse_stock(n: int) -> dict[str, Any]:
    return {
        "sku": 900_001_000 + n,
        "product_id": FIRST_ID + n,
        "offer_id": f"АРТ-{n}",
        "warehouse_id": WAREHOUSE_ID,
        "present": 4,
        "reserved": 1,
        "free_stock": 3,
        "updated_at": "2026-11-01T10:00:00Z",
    }


def analytics_row(n: int) -> dict[str, Any]:
    return {
        "sku": 900_001_000 + n,
        "offer_id": f"АРТ-{n}",
        "name": f"Кружка № {n}",
        "warehouse_id": 15_431_806_189_000,
        "warehouse_name": "ТВЕРЬ_РФЦ",
        "cluster_id": 153,
        "cluster_name": "Тверь",
        "available_stock_count": 5,
        "transit_stock_count": 0,
        "ads": 2.6,
        "ads_cluster": 1.3,
        "idc": 12.5,
        "idc_cluster": 9,
        "days_without_sales": 0,
        "turnover_grade": "POPULAR",
    }


def recorded(path: str) -> dict[str, Any]:
    """Return the method's complete answer for a catalogue of `PRODUCT_COUNT`."""
    numbers = range(PRODUCT_COUNT)
    if path == LIST:
        page = {"items": [list_item(n) for n in numbers], "last_id": "bA==", "total": 0, "total_items": PRODUCT_COUNT}
        return {"result": page}
    if path == WAREHOUSES:
        entry = {"warehouse_id": WAREHOUSE_ID, "name": "Склад", "is_rfbs": False, "status": "created"}
        return {"warehouses": [entry], "cursor": "", "has_next": False}
    if path == WAREHOUSE_STOCKS:
        return {"stocks": [warehouse_stock(n) for n in numbers], "cursor": "bA==", "has_next": False}
    entry_of = {DETAILS: detail_item, STOCKS: stock_item, ANALYTICS: analytics_row}[path]
    items: dict[str, Any] = {"items": [entry_of(n) for n in numbers]}
    return items | ({"cursor": "bA==", "total_items": PRODUCT_COUNT} if path == STOCKS else {})


@dataclass(frozen=True)
class Mutation:
    """A change of the field at ``path`` (keys and positions) of an answer; ``value`` is for the kind "set"."""

    method: str
    path: tuple[str | int, ...]
    kind: str
    value: Any = None

    @property
    def entry(self) -> int | None:
        """The position of the changed entry; None if the envelope is changed."""
        depth = len(ENTRIES[self.method])
        found = self.path[depth] if self.path[:depth] == ENTRIES[self.method] and len(self.path) > depth else None
        return found if isinstance(found, int) else None

    def apply(self, answer: Any) -> None:
        """Change the answer in place, unless an earlier mutation removed the field."""
        holder = answer
        with suppress(KeyError, IndexError, TypeError, AttributeError):
            for step in self.path[:-1]:
                holder = holder[step]
            self._change(holder, self.path[-1])

    def _change(self, holder: Any, last: Any) -> None:
        if self.kind == "drop":
            del holder[last]
        elif self.kind == "set":
            # A copy: a later mutation may change something inside it.
            holder[last] = copy.deepcopy(self.value)
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
        else:
            holder[Again(last)] = copy.deepcopy(holder[last])


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every field of an answer and every entry of its lists."""
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield from paths(child, (*path, step))


PATHS = {method: list(paths(recorded(method))) for method in ENTRIES}

OTHER_VALUES = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 2**31, 2**63, 10**30, 1.5, -0.0, 1e300, 4.0])
    | st.sampled_from(["", "0", "7", "4.0", "-1", "none", "да", "a\0b", "\ud800", "x" * 600, "2026-13-45", "1e400"])
    | st.sampled_from([[], {}, [None], [[]], {"": None}, {"id": 5}, [1, "2", {"x": None}]])
)


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    """Draw a change of one field of one answer."""
    method = draw(st.sampled_from(list(ENTRIES)))
    path = draw(st.sampled_from(PATHS[method]))
    kind = draw(st.sampled_from(["drop", "set", "set", "repeat"]))
    return Mutation(method, path, kind, draw(OTHER_VALUES) if kind == "set" else None)


class RecordedApi(Server):
    """A server of the recorded answers, changed by ``mutations``."""

    def __init__(self) -> None:
        super().__init__()
        self.mutations: Sequence[Mutation] = ()

    def next_answer(self, asked: Asked) -> Answer:
        answer = recorded(asked.path)
        for mutation in self.mutations:
            if mutation.method == asked.path:
                mutation.apply(answer)
        return Answer(body=json.dumps(_asked_for(asked, answer)).encode())


def _asked_for(asked: Asked, answer: Any) -> Any:
    """Return the answer for the first page of a list, an empty page for the others."""
    if asked.body.get("last_id") or asked.body.get("cursor"):
        return {"result": {"items": []}} if asked.path == LIST else {ENTRIES[asked.path][0]: []}
    return answer
