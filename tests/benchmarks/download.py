"""The download of a catalogue as fast as a bare script can: pages on several threads, msgspec, no limits or checks.

All contenders except product_etl use it; each says what a thread makes of an answer.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any, TypeVar

import msgspec
import requests

T = TypeVar("T")

PAGE_SIZE = 1000
THREADS = 8
_MOST_WAITING = 2 * THREADS

# The columns of ozon.products that come from Ozon.
COLUMNS = {
    "product_id": "bigint",
    "offer_id": "text",
    "sku": "bigint",
    "name": "text",
    "price": "numeric",
    "old_price": "numeric",
    "currency_code": "text",
    "visibility": "text",
    "ozon_status": "text",
    "status_name": "text",
    "hidden_reasons": "text[]",
    "is_archived": "boolean",
    "has_price": "boolean",
    "has_stock": "boolean",
    "ozon_created_at": "timestamptz",
    "ozon_updated_at": "timestamptz",
}

Row = tuple[Any, ...]


class _Text(msgspec.Struct):
    text: str


class _Reason(msgspec.Struct):
    human_text: _Text


class _Availability(msgspec.Struct):
    reasons: list[_Reason]


class _Statuses(msgspec.Struct):
    status: str
    status_name: str


class _VisibilityDetails(msgspec.Struct):
    has_price: bool
    has_stock: bool


class Item(msgspec.Struct):
    """The fields of a product's details that the contenders load."""

    id: int
    offer_id: str
    sku: int
    name: str
    price: str
    old_price: str
    currency_code: str
    is_archived: bool
    statuses: _Statuses
    availabilities: list[_Availability]
    visibility_details: _VisibilityDetails
    created_at: str
    updated_at: str

    @property
    def hidden_reasons(self) -> list[str]:
        return [reason.human_text.text for place in self.availabilities for reason in place.reasons]


class _Details(msgspec.Struct):
    items: list[Item]


class _Listed(msgspec.Struct):
    product_id: int


class _List(msgspec.Struct):
    items: list[_Listed]
    last_id: str


class _ListAnswer(msgspec.Struct):
    result: _List


_details = msgspec.json.Decoder(_Details)
_list = msgspec.json.Decoder(_ListAnswer)
_own = threading.local()


def downloaded(base_url: str, convert: Callable[[bytes, set[int]], T]) -> Iterator[T]:
    """Yield what ``convert`` makes of each answer with details, on the threads; it has the ids of visible products."""
    with ThreadPoolExecutor(THREADS) as threads:
        visible = threads.submit(lambda: set(chain.from_iterable(_listed_ids(base_url, "VISIBLE"))))
        known: set[int] = set()
        waiting: deque[Future[T]] = deque()
        for page in chain(_listed_ids(base_url, "ALL"), _listed_ids(base_url, "ARCHIVED")):
            product_ids = [product_id for product_id in page if product_id not in known]
            known.update(product_ids)
            if product_ids:
                waiting.append(threads.submit(_converted, base_url, product_ids, visible, convert))
            while waiting and (len(waiting) > _MOST_WAITING or waiting[0].done()):
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def _converted(
    base_url: str, product_ids: list[int], visible: Future[set[int]], convert: Callable[[bytes, set[int]], T]
) -> T:
    return convert(_post(base_url, "v3/product/info/list", {"product_id": product_ids}), visible.result())


def items_of(answer: bytes) -> list[Item]:
    return _details.decode(answer).items


def visibility_of(item: Item, visible: set[int]) -> str:
    return "ARCHIVED" if item.is_archived else "VISIBLE" if item.id in visible else "HIDDEN"


def row_of(item: Item, visible: set[int]) -> Row:
    """Return the values of ``COLUMNS``."""
    return (
        item.id,
        item.offer_id,
        item.sku or None,
        item.name,
        item.price or None,
        item.old_price or None,
        item.currency_code,
        visibility_of(item, visible),
        item.statuses.status,
        item.statuses.status_name,
        item.hidden_reasons,
        item.is_archived,
        item.visibility_details.has_price,
        item.visibility_details.has_stock,
        item.created_at,
        item.updated_at,
    )


def product_rows(base_url: str) -> Iterator[list[Row]]:
    """Yield the products of a catalogue, a thousand rows at a time."""
    return downloaded(base_url, lambda answer, visible: [row_of(item, visible) for item in items_of(answer)])


def _listed_ids(base_url: str, visibility: str) -> Iterator[list[int]]:
    """Yield the ids of each page of a list."""
    cursor = ""
    while True:
        request = {"filter": {"visibility": visibility}, "last_id": cursor, "limit": PAGE_SIZE}
        page = _list.decode(_post(base_url, "v3/product/list", request)).result
        yield [entry.product_id for entry in page.items]
        if len(page.items) < PAGE_SIZE:
            return
        cursor = page.last_id


def _post(base_url: str, method: str, body: dict[str, Any]) -> bytes:
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.headers.update({"Client-Id": "1", "Api-Key": "key"})
    answer = _own.session.post(f"{base_url}/{method}", data=msgspec.json.encode(body))
    return answer.content
