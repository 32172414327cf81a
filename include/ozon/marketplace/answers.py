"""The Seller API's answers as types: only the fields that are used, validated while decoding.

Ozon adds, removes and retypes fields between releases. So unknown fields are ignored, missing or null ones take their
default, and a field of another type is converted if its meaning is clear (see ``tolerance``). An entry cannot be
loaded without the fields that have no default. The bounds are those of PostgreSQL's columns, so that no accepted value
can make a load fail.
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
CURRENCY_PATTERN = r"\A(?:[A-Z]{3})?\Z"
# Protobuf's value for a moment that was never set.
_ZERO_MOMENT = "0001-01-01T00:00:00"

ProductId = Annotated[int, Meta(ge=1, le=MAX_BIGINT)]
IdOrZero = Annotated[int, Meta(ge=0, le=MAX_BIGINT)]
Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Measure = Annotated[float, Meta(ge=0, le=1e9)]
# Ozon's articles have up to 255 characters; longer ones than this do not fit into a PostgreSQL index.
OfferId = Annotated[str, Meta(min_length=1, max_length=500)]
StockType = Annotated[str, Meta(min_length=1, max_length=100)]
# Marks a list that may be missing, but if present, every entry must be readable.
WHOLE = {"whole": True}
Price = Annotated[str, Meta(pattern=DECIMAL_PATTERN)]
Moment = Annotated[str, Meta(pattern=MOMENT_PATTERN)]
Currency = Annotated[str, Meta(pattern=CURRENCY_PATTERN)]


def is_in_calendar(moment: str) -> bool:
    """Return whether a moment exists in the calendar: the pattern alone accepts 30 February."""
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
    """An entry of ``/v3/product/list``; only ``has_fbo_stocks`` is missing from the product's details."""

    product_id: ProductId
    has_fbo_stocks: bool | None = None


class Statuses(Answer, frozen=True, gc=False):
    """Ozon's statuses: texts without a documented list of values; see ``visibility``."""

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
    """The reasons why customers do not see one SKU of a product; none if they see it."""

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
    """A product's stock in its details; used only for the SKUs."""

    stocks: list[SkuSource] | None = None


class ProductDetail(Answer, frozen=True, gc=False):
    """An entry of ``/v3/product/info/list``. All other methods call its ``id`` ``product_id``."""

    id: ProductId
    offer_id: OfferId | None = None
    sku: IdOrZero | None = None
    name: str | None = None
    price: Price | None = None
    old_price: Price | None = None
    currency_code: Currency | None = None
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
        """All SKUs of the product. The main one comes first: ``sku``, else by source (sds, fbo, fbs), else by stock."""
        sources, stocks = self.sources or [], (self.stocks and self.stocks.stocks) or []
        skus = {entry.sku for entry in (*sources, *stocks) if entry.sku}
        ranked = (*sorted(sources, key=_source_rank), *stocks) if skus and not self.sku else ()
        main = self.sku or next((entry.sku for entry in ranked if entry.sku), None)
        # The others are sorted: Ozon's order may change although the product does not.
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
    """An entry of ``/v4/product/info/stocks``. ``None`` differs from an empty list: see ``inventory_merge``."""

    product_id: ProductId
    offer_id: OfferId | None = None
    stocks: Annotated[list[TypeStock] | None, Meta(extra=WHOLE)] = None


class Warehouse(Answer, frozen=True, gc=False):
    """An entry of ``/v2/warehouse/list``: a seller warehouse."""

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
    """An entry of ``/v1/analytics/stocks``: one SKU in one FBO warehouse or in a whole cluster.

    ``warehouse_id`` 0 is the sum of a cluster. ``ads`` is the average daily sales over 28 days and ``idc`` the days
    until the stock is sold at that rate, both of the SKU in all clusters and repeated in each of its entries.
    ``ads_cluster`` and ``idc_cluster`` are those of the entry's own cluster.
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
    """The answer of ``/v1/roles``: the key's expiry and the methods that it may call."""

    expires_at: Moment | None = None
    roles: list[Role] | None = None

    def allow(self, method: str) -> bool | None:
        """Return whether a role allows ``method``; None (unknown) if a role names no methods.

        A role may also name a prefix of methods, for example ``/v3/product`` (Ozon's documentation of ``/v1/roles``).
        """
        roles = [role.methods or [] for role in self.roles or []]
        if any(method.startswith(prefix) for methods in roles for prefix in methods if prefix):
            return True
        return False if roles and all(roles) else None


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """An entry, or one field of a loaded entry, that could not be loaded."""

    reason: str
    payload: str
    """JSON text that PostgreSQL's jsonb accepts; see ``rejection`` for the conversion of other entries."""
    product_id: int | None
    kind: Literal["entry", "field"] = "entry"


@dataclass
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    rejected: list[RejectedItem]
    item_count: int
    """The number of received entries, including rejected ones."""
    next_cursor: str | None
    """None at the end of the list."""
    total_items: int | None
    """Ozon's total for the whole list, if it sent one."""
