"""The search of the view of products: text, filters, order, and the place where the page begins."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError

from include.ozon.marketplace.visibility import Visibility

MOST_ID = 2**63 - 1
"""The largest id that the warehouse can store."""

Key = datetime | Decimal | int | str


class Shown(StrEnum):
    """A filter by visibility; ``out_of_sight`` is all that customers cannot see, without archived products."""

    ANY = ""
    OUT_OF_SIGHT = "out_of_sight"
    VISIBLE = "VISIBLE"
    HIDDEN = "HIDDEN"
    MODERATION = "MODERATION"
    DECLINED = "DECLINED"
    ARCHIVED = "ARCHIVED"
    UNKNOWN = "UNKNOWN"

    @property
    def visibilities(self) -> list[str]:
        if self is Shown.ANY:
            return list(map(str, Visibility))
        if self is Shown.OUT_OF_SIGHT:
            return [str(each) for each in Visibility if each not in {Visibility.VISIBLE, Visibility.ARCHIVED}]
        return [str(self)]


class Stock(StrEnum):
    """A filter by available pieces."""

    ANY = ""
    IN_STOCK = "in_stock"
    OUT_OF_STOCK = "out_of_stock"
    UNKNOWN = "unknown"


class Price(StrEnum):
    """A filter by the price's changes within the last 24 hours."""

    ANY = ""
    CHANGED = "changed"


class Sort(StrEnum):
    """The order; a minus is for descending. Each is the order of an index."""

    NEWEST = "-since"
    OLDEST = "since"
    CHEAPEST = "price"
    DEAREST = "-price"
    LEAST_STOCK = "stock"
    MOST_STOCK = "-stock"
    ARTICLE = "article"
    ARTICLE_BACKWARDS = "-article"

    @property
    def column(self) -> str:
        return self.value.lstrip("-")

    @property
    def is_descending(self) -> bool:
        return self.value.startswith("-")


@dataclass(frozen=True, order=True)
class Place:
    """A product's place in an order: by its key, and among equals by account and id."""

    key: Any
    account: str
    product_id: int


@dataclass(frozen=True)
class Search:
    """The state of the view. ``after`` is the last product of the page before, None for the first page."""

    text: str = ""
    shown: Shown = Shown.ANY
    reason: str = ""
    stock: Stock = Stock.ANY
    price: Price = Price.ANY
    sort: Sort = Sort.NEWEST
    after: Place | None = None

    @property
    def number(self) -> int | None:
        """The text as a product_id or SKU."""
        if self.text.isascii() and self.text.isdigit() and int(self.text) <= MOST_ID:
            return int(self.text)
        return None

    @property
    def is_filtered(self) -> bool:
        return any((self.text, self.shown, self.reason, self.stock, self.price))

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of its address, without the place."""
        return {
            "q": self.text,
            "visibility": str(self.shown),
            "reason": self.reason,
            "stock": str(self.stock),
            "price": str(self.price),
            "sort": "" if self.sort is Sort.NEWEST else str(self.sort),
        }


_WRITE: Mapping[str, Callable[[Any], str | int]] = {
    "since": datetime.isoformat,
    "price": str,
    "stock": int,
    "article": str,
}


def cursor(sort: Sort, place: Place) -> str:
    """Return a place as text for an address."""
    fields = [str(sort), _WRITE[sort.column](place.key), place.account, place.product_id]
    return urlsafe_b64encode(json.dumps(fields, ensure_ascii=False).encode()).decode().rstrip("=")


def place(sort: Sort, text: str) -> Place:
    """Return the place that `cursor` wrote. Raises ValueError for any other text."""
    try:
        fields = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return _place(sort, *fields)
    except (ValueError, ArithmeticError, TypeError, RecursionError) as error:
        raise ValueError(f"not a place in the order {sort}") from error


_LONGEST_ARTICLE = 100
_LONGEST_NUMBER = 60


def _place(sort: Sort, of_sort: object, key: Any, account: object, product_id: object) -> Place:
    if of_sort != sort or not isinstance(account, str) or not isinstance(product_id, int):
        raise ValueError
    if not 0 <= product_id <= MOST_ID:
        raise ValueError
    return Place(_READ[sort.column](key), account, product_id)


def _read_moment(key: str) -> datetime:
    moment = datetime.fromisoformat(key)
    # PostgreSQL takes every year that Python knows, but an offset may lead out of them.
    if moment.tzinfo is None or not 1970 <= moment.year < 9000:
        raise ValueError
    return moment


def _read_price(key: str) -> Decimal:
    price = Decimal(key) if len(key) <= _LONGEST_NUMBER else Decimal("NaN")
    if not price.is_finite() or abs(price.adjusted()) > _LONGEST_NUMBER:
        raise ValueError
    return price


def _read_stock(key: int) -> int:
    if type(key) is not int or not -1 <= key <= MOST_ID:
        raise ValueError
    return key


def _read_article(key: str) -> str:
    if len(key) > _LONGEST_ARTICLE or "\0" in key or not _is_utf8(key):
        raise ValueError
    return key


_READ: Mapping[str, Callable[[Any], Key]] = {
    "since": _read_moment,
    "price": _read_price,
    "stock": _read_stock,
    "article": _read_article,
}


async def search(
    q: Annotated[str, Query(max_length=200)] = "",
    visibility: Annotated[Shown, Query()] = Shown.ANY,
    reason: Annotated[str, Query(max_length=500)] = "",
    stock: Annotated[Stock, Query()] = Stock.ANY,
    price: Annotated[Price, Query()] = Price.ANY,
    sort: Annotated[Sort, Query()] = Sort.NEWEST,
    after: Annotated[str, Query(max_length=1000, pattern=r"^[A-Za-z0-9_-]*$")] = "",
) -> Search:
    """Return the search of an address. Raises RequestValidationError for one that the page has not made."""
    if any("\0" in text or not _is_utf8(text) for text in (q, reason)):
        raise RequestValidationError([{"loc": ("query",), "msg": "not a text", "type": "value_error"}])
    try:
        begin = place(sort, after) if after else None
    except ValueError as error:
        raise RequestValidationError([{"loc": ("query", "after"), "msg": str(error), "type": "value_error"}]) from error
    # Spaces within it stay: an article may have two.
    text = "".join(each if each.isprintable() else " " for each in q).strip()
    return Search(text, visibility, reason, stock, price, sort, begin)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


InSearch = Annotated[Search, Depends(search)]
