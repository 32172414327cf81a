"""The Seller API's answers as types: only the fields that are used, checked while they are decoded.

Ozon adds, removes and retypes fields between releases. So unknown ones are ignored, missing or null ones take their
default, and one of another type is read where its meaning is beyond doubt (see ``tolerance``). Fields without a
default are those without which an entry cannot be loaded. Every bound is one of PostgreSQL's columns, so that no
value that got through can make a load fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

MAX_BIGINT = 2**63 - 1
MAX_INTEGER = 2**31 - 1

DECIMAL_PATTERN = r"\A(?:[0-9]{1,12}(?:\.[0-9]{1,10})?)?\Z"
MOMENT_PATTERN = (
    r"\A(?:[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9]))?\Z"
)
# What protobuf writes for a moment that was never set.
_ZERO_MOMENT = "0001-01-01T00:00:00"

ProductId = Annotated[int, Meta(ge=1, le=MAX_BIGINT)]
IdOrZero = Annotated[int, Meta(ge=0, le=MAX_BIGINT)]
Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Measure = Annotated[float, Meta(ge=0, le=1e9)]
# Ozon's articles have up to 255 characters; longer ones than this do not fit into a PostgreSQL index.
OfferId = Annotated[str, Meta(min_length=1, max_length=500)]
StockType = Annotated[str, Meta(min_length=1, max_length=100)]
# A list that may be missing, and must be readable to the last entry where it is there.
WHOLE = {"whole": True}
Price = Annotated[str, Meta(pattern=DECIMAL_PATTERN)]
Moment = Annotated[str, Meta(pattern=MOMENT_PATTERN)]


def is_in_calendar(moment: str) -> bool:
    """Return whether the calendar has a moment: the pattern alone lets a 30 February through."""
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        return False
    return True


def set_moment(moment: str | None) -> str | None:
    """Return a moment, or None for one that was never set: missing, empty, or protobuf's zero."""
    return None if not moment or moment.startswith(_ZERO_MOMENT) else moment


# gc=False: an answer is a tree, so counting references frees all of it, and decoding a page is a tenth faster.
class Answer(Struct, frozen=True, gc=False):
    """Base of all answers."""


class ListedProduct(Answer, frozen=True, gc=False):
    """An entry of ``/v3/product/list``. The details have all else, but for whether Ozon stores the product (FBO)."""

    product_id: ProductId
    has_fbo_stocks: bool | None = None


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
    """Why customers do not see one SKU of a product; no reasons where they do."""

    availability: str | None = None
    reasons: list[HiddenReason] | None = None


class ErrorTexts(Answer, frozen=True, gc=False):
    message: str | None = None
    description: str | None = None
    short_description: str | None = None


class ProductError(Answer, frozen=True, gc=False):
    code: str | None = None
    level: str | None = None
    texts: ErrorTexts | None = None


class SkuSource(Answer, frozen=True, gc=False):
    """One SKU of a product and how it is sold: sds (all schemes), fbo or fbs."""

    sku: IdOrZero | None = None
    source: str | None = None


class DetailStocks(Answer, frozen=True, gc=False):
    """A product's stock as its details have it; used for its SKUs only."""

    stocks: list[SkuSource] | None = None


class ProductDetail(Answer, frozen=True, gc=False):
    """An entry of ``/v3/product/info/list``. Its ``id`` is what all other methods call ``product_id``."""

    id: ProductId
    offer_id: OfferId | None = None
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
    sources: list[SkuSource] | None = None
    stocks: DetailStocks | None = None

    def __post_init__(self) -> None:
        for moment in (self.created_at, self.updated_at):
            if moment and not is_in_calendar(moment):
                raise ValueError(f"{moment} is not in the calendar")

    @property
    def skus(self) -> tuple[int, ...]:
        """All SKUs of the product, its main one first: beside the id, else by source (sds, fbo, fbs), else by stock."""
        sources, stocks = self.sources or [], (self.stocks and self.stocks.stocks) or []
        skus = {entry.sku for entry in (*sources, *stocks) if entry.sku}
        ranked = (*sorted(sources, key=_source_rank), *stocks) if skus and not self.sku else ()
        main = self.sku or next((entry.sku for entry in ranked if entry.sku), None)
        # But for the main one, in an order of our own: Ozon's may change where the product has not.
        return (main, *sorted(skus - {main})) if main else ()


def _source_rank(entry: SkuSource) -> int:
    return {"sds": 0, "fbo": 1, "fbs": 2}.get((entry.source or "").lower(), 3)


class TypeStock(Answer, frozen=True, gc=False):
    """A product's stock of one type (fbo, fbs, rfbs, fbp). ``present`` includes ``reserved``."""

    type: StockType
    present: Count
    reserved: Count = 0
    sku: IdOrZero | None = None


class StockItem(Answer, frozen=True, gc=False):
    """An entry of ``/v4/product/info/stocks``. None is not the same as no stocks: see ``inventory_merge``."""

    product_id: ProductId
    offer_id: OfferId | None = None
    stocks: Annotated[list[TypeStock] | None, Meta(extra=WHOLE)] = None


class Warehouse(Answer, frozen=True, gc=False):
    """An entry of ``/v2/warehouse/list``: one of the seller's own warehouses."""

    warehouse_id: IdOrZero
    name: str | None = None
    is_rfbs: bool | None = None
    status: str | None = None


class WarehouseStock(Answer, frozen=True, gc=False):
    """An entry of ``/v1/product/info/warehouse/stocks``. ``present`` includes ``reserved``."""

    product_id: ProductId
    present: Count
    reserved: Count = 0
    sku: IdOrZero | None = None


class FboStock(Answer, frozen=True, gc=False):
    """An entry of ``/v1/analytics/stocks``: one SKU in one FBO warehouse, or in all of a cluster.

    ``warehouse_id`` 0 is the sum of a cluster. ``ads`` is the average number sold a day over 28 days, ``idc`` the
    days that the stock will last at that rate: of the SKU in all clusters, repeated in each of its entries.
    ``ads_cluster`` and ``idc_cluster`` are of the entry's own cluster.
    """

    sku: ProductId
    available_stock_count: Count
    warehouse_id: IdOrZero = 0
    warehouse_name: str | None = None
    cluster_id: IdOrZero | None = None
    ads: Measure | None = None
    idc: Measure | None = None
    ads_cluster: Measure | None = None
    idc_cluster: Measure | None = None


class Role(Answer, frozen=True, gc=False):
    methods: list[str] | None = None


class Roles(Answer, frozen=True, gc=False):
    """The answer of ``/v1/roles``: until when the key is valid and what it may call."""

    expires_at: Moment | None = None
    roles: list[Role] | None = None

    def allow(self, method: str) -> bool | None:
        """Return whether a role allows ``method``; None where a role names no methods, so that nobody knows.

        A role may also name a prefix of methods, such as ``/v3/product`` (Ozon's documentation of ``/v1/roles``).
        """
        roles = [role.methods or [] for role in self.roles or []]
        if any(method.startswith(prefix) for methods in roles for prefix in methods if prefix):
            return True
        return False if roles and all(roles) else None


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """What could not be loaded, kept for whoever asks Ozon about it: an entry, or one field of a loaded entry."""

    reason: str
    payload: str
    """JSON text that PostgreSQL's jsonb accepts; see ``rejection`` for entries that are no such thing."""
    product_id: int | None
    kind: Literal["entry", "field"] = "entry"


@dataclass
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    rejected: list[RejectedItem]
    item_count: int
    """How many entries came, those that were rejected included."""
    next_cursor: str | None
    """None where the list ends."""
    total_items: int | None
    """How many entries Ozon says the whole list has, where it says so."""
