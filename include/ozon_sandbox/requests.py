"""The methods' request bodies, with Ozon's bounds; invalid ones are answered with HTTP 400.

As in Ozon's JSON, a 64-bit number may also be sent as text, and unknown fields are ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from include.ozon_sandbox.filters import FILTERS

Limit = Annotated[int, Meta(ge=1, le=1000)]
Identifiers = Annotated[list[int], Meta(max_length=1000)]
Articles = Annotated[list[str], Meta(max_length=1000)]


class Empty(Struct):
    pass


class ProductFilter(Struct):
    visibility: str = "ALL"
    offer_id: Articles = field(default_factory=list)
    product_id: Identifiers = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.visibility not in FILTERS:
            raise ValueError(f"unknown visibility {self.visibility}")


class ProductList(Struct):
    filter: ProductFilter = field(default_factory=ProductFilter)
    last_id: str = ""
    limit: Limit = 100

    @property
    def mark(self) -> str:
        return self.last_id


class ProductInfoList(Struct):
    offer_id: Articles = field(default_factory=list)
    product_id: Identifiers = field(default_factory=list)
    sku: Identifiers = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 1 <= len(self.offer_id) + len(self.product_id) + len(self.sku) <= 1000:
            raise ValueError("between 1 and 1000 ids are needed")


class Paged(Struct):
    cursor: str = ""

    @property
    def mark(self) -> str:
        return self.cursor


class ProductStocks(Paged):
    filter: ProductFilter = field(default_factory=ProductFilter)
    limit: Limit = 100


class WarehouseList(Paged):
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class WarehouseStocks(Paged, kw_only=True):
    warehouse_id: int
    limit: Limit = 100


class StocksByWarehouse(Paged):
    sku: Identifiers = field(default_factory=list)
    offer_id: Articles = field(default_factory=list)
    limit: Limit = 100

    def __post_init__(self) -> None:
        if not self.sku and not self.offer_id:
            raise ValueError("sku or offer_id is needed")


class AnalyticsStocks(Struct):
    skus: Annotated[list[int], Meta(min_length=1, max_length=100)]


class ReportCreate(Struct):
    language: Literal["DEFAULT", "RU", "EN"] = "DEFAULT"
    visibility: str = "ALL"
    offer_id: Articles = field(default_factory=list)
    sku: Identifiers = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.visibility not in FILTERS:
            raise ValueError(f"unknown visibility {self.visibility}")


class ReportInfo(Struct):
    code: str
