"""The Seller API's answers as types: only the fields that are used, checked while they are decoded.

Ozon adds and removes fields between releases. So unknown ones are ignored, and missing or null ones are ``None``,
but for those without which an entry cannot be loaded. Every bound is one of PostgreSQL's columns, so that no
value that got through can make a load fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

MAX_BIGINT = 2**63 - 1
MAX_INTEGER = 2**31 - 1

DECIMAL_PATTERN = r"\A(?:[0-9]{1,12}(?:\.[0-9]{1,10})?)?\Z"
MOMENT_PATTERN = (
    r"\A(?:[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9]))?\Z"
)
# How a message calls what these patterns ask for.
PATTERN_MEANINGS = {
    DECIMAL_PATTERN: "a decimal of at most 12 digits before the point, or empty text",
    MOMENT_PATTERN: "a moment like 2026-03-01T12:30:00Z (RFC 3339), or empty text",
}

ProductId = Annotated[int, Meta(ge=1, le=MAX_BIGINT)]
IdOrZero = Annotated[int, Meta(ge=0, le=MAX_BIGINT)]
Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Measure = Annotated[float, Meta(ge=0, le=1e9)]
# Ozon's articles have up to 255 characters; longer ones than this do not fit into a PostgreSQL index.
OfferId = Annotated[str, Meta(min_length=1, max_length=500)]
StockType = Annotated[str, Meta(min_length=1, max_length=100)]
Price = Annotated[str, Meta(pattern=DECIMAL_PATTERN)]
Moment = Annotated[str, Meta(pattern=MOMENT_PATTERN)]


def _check_calendar(field: str, moment: str) -> None:
    """The pattern of a moment lets a 30 February through."""
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        raise ValueError(f"{field}: expected a moment that the calendar has, found {moment}") from None


# gc=False: an answer is a tree, so counting references frees all of it, and decoding a page is a tenth faster.
class Answer(Struct, frozen=True, gc=False):
    """Base of all answers."""


class ListedProduct(Answer, frozen=True, gc=False):
    """An entry of ``/v3/product/list``. Only its id is needed: the details say the rest."""

    product_id: ProductId
    offer_id: str | None = None
    sku: IdOrZero | None = None


class Statuses(Answer, frozen=True, gc=False):
    """Plain text of Ozon's, without a documented list of values; see ``visibility``."""

    status: str | None = None
    status_failed: str | None = None
    moderate_status: str | None = None
    validation_status: str | None = None
    status_name: str | None = None
    status_description: str | None = None


class VisibilityDetails(Answer, frozen=True, gc=False):
    has_price: bool | None = None
    has_stock: bool | None = None


class HumanText(Answer, frozen=True, gc=False):
    text: str | None = None


class HiddenReason(Answer, frozen=True, gc=False):
    human_text: HumanText | None = None


class Availability(Answer, frozen=True, gc=False):
    """Why one SKU of a product is not to be seen; no reasons where it is."""

    reasons: list[HiddenReason] | None = None


class ErrorTexts(Answer, frozen=True, gc=False):
    message: str | None = None
    description: str | None = None
    short_description: str | None = None


class ProductError(Answer, frozen=True, gc=False):
    code: str | None = None
    level: str | None = None
    texts: ErrorTexts | None = None


class ProductDetail(Answer, frozen=True, gc=False):
    """An entry of ``/v3/product/info/list``. Its ``id`` is what all other methods call ``product_id``."""

    id: ProductId
    offer_id: OfferId
    sku: IdOrZero | None = None
    name: str | None = None
    price: Price | None = None
    old_price: Price | None = None
    currency_code: str | None = None
    is_archived: bool | None = None
    is_autoarchived: bool | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    statuses: Statuses | None = None
    visibility_details: VisibilityDetails | None = None
    availabilities: list[Availability] | None = None
    errors: list[ProductError] | None = None

    def __post_init__(self) -> None:
        if self.created_at:
            _check_calendar("created_at", self.created_at)
        if self.updated_at:
            _check_calendar("updated_at", self.updated_at)


class TypeStock(Answer, frozen=True, gc=False):
    """A product's stock of one type (fbo, fbs, rfbs, fbp). ``present`` includes ``reserved``."""

    type: StockType
    present: Count
    reserved: Count
    sku: IdOrZero | None = None


class StockItem(Answer, frozen=True, gc=False):
    """An entry of ``/v4/product/info/stocks``. Without ``stocks`` it is rejected: that is not the same as none."""

    product_id: ProductId
    offer_id: OfferId
    stocks: list[TypeStock]


class Warehouse(Answer, frozen=True, gc=False):
    """An entry of ``/v2/warehouse/list``: one of the seller's own warehouses."""

    warehouse_id: IdOrZero
    name: str | None = None
    is_rfbs: bool | None = None
    status: str | None = None


class WarehouseStock(Answer, frozen=True, gc=False):
    """An entry of ``/v1/product/info/warehouse/stocks``. ``present`` includes ``reserved``."""

    sku: IdOrZero
    product_id: ProductId
    warehouse_id: IdOrZero
    present: Count
    reserved: Count
    offer_id: str | None = None


class FboStock(Answer, frozen=True, gc=False):
    """An entry of ``/v1/analytics/stocks``: one SKU in one of Ozon's own warehouses.

    ``ads`` is the average number sold a day over 28 days, ``idc`` the days that the stock will last at that rate.
    """

    sku: IdOrZero
    warehouse_id: IdOrZero
    available_stock_count: Count
    offer_id: str | None = None
    warehouse_name: str | None = None
    ads: Measure | None = None
    idc: Measure | None = None


class Role(Answer, frozen=True, gc=False):
    name: str | None = None
    methods: list[str] | None = None


class Roles(Answer, frozen=True, gc=False):
    """The answer of ``/v1/roles``: until when the key is good and what it may call."""

    expires_at: Moment | None = None
    roles: list[Role] | None = None

    @property
    def methods(self) -> frozenset[str]:
        """The methods that any of the roles allows."""
        return frozenset(method for role in self.roles or () for method in role.methods or ())


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """An entry that cannot be loaded, kept for whoever asks Ozon about it."""

    reason: str
    payload: str
    """JSON text that PostgreSQL's jsonb accepts; see ``rejection`` for entries that are no such thing."""
    product_id: int | None


@dataclass
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    rejected: list[RejectedItem]
    next_cursor: str | None
    """None where the list ends."""
    total_items: int | None
    """How many entries Ozon says the whole list has, where it says so."""
