"""The bare download of a catalogue: no threads, limits or checks. All contenders except product_etl use it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import requests

PAGE_SIZE = 1000

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


def product_rows(base_url: str) -> Iterator[list[Row]]:
    """Yield the products of a catalogue, a thousand rows at a time, with the values of ``COLUMNS``."""
    with requests.Session() as session:
        session.headers.update({"Client-Id": "1", "Api-Key": "key"})
        visible = set(_listed_ids(session, base_url, "VISIBLE"))
        listed = (_listed_ids(session, base_url, visibility) for visibility in ("ALL", "ARCHIVED"))
        product_ids = list(dict.fromkeys(chain.from_iterable(listed)))
        for start in range(0, len(product_ids), PAGE_SIZE):
            asked = product_ids[start : start + PAGE_SIZE]
            answer = session.post(f"{base_url}/v3/product/info/list", json={"product_id": asked}).json()
            yield [_row(item, item["id"] in visible) for item in answer["items"]]


def _listed_ids(session: requests.Session, base_url: str, visibility: str) -> Iterator[int]:
    cursor = ""
    while True:
        request = {"filter": {"visibility": visibility}, "last_id": cursor, "limit": PAGE_SIZE}
        page = session.post(f"{base_url}/v3/product/list", json=request).json()["result"]
        yield from (item["product_id"] for item in page["items"])
        if len(page["items"]) < PAGE_SIZE:
            return
        cursor = page["last_id"]


def _row(item: dict[str, Any], is_visible: bool) -> Row:
    statuses = item["statuses"]
    return (
        item["id"],
        item["offer_id"],
        item["sku"] or None,
        item["name"],
        item["price"] or None,
        item["old_price"] or None,
        item["currency_code"],
        "ARCHIVED" if item["is_archived"] else "VISIBLE" if is_visible else "HIDDEN",
        statuses["status"],
        statuses["status_name"],
        [reason["human_text"]["text"] for place in item["availabilities"] for reason in place["reasons"]],
        item["is_archived"],
        item["visibility_details"]["has_price"],
        item["visibility_details"]["has_stock"],
        item["created_at"],
        item["updated_at"],
    )
