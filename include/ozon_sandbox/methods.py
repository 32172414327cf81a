"""The methods of the Seller API that the sandbox implements, and those that Ozon has removed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np

from include.ozon_sandbox import requests
from include.ozon_sandbox.calls import Answer, Call, Method
from include.ozon_sandbox.cursors import Position, position_of
from include.ozon_sandbox.errors import not_found
from include.ozon_sandbox.filters import EVERY_FILTER, Filter
from include.ozon_sandbox.items import Item, detail_items, list_items, stock_items
from include.ozon_sandbox.limits import ANALYTICS_STOCKS
from include.ozon_sandbox.products import Products
from include.ozon_sandbox.stocks import (
    SellerWarehouse,
    ozon_warehouse_rows,
    seller_warehouses,
    stock_moments,
    warehouse_stocks,
)

OBSOLETE = (
    "/v1/warehouse/list",
    "/v1/product/info/stocks-by-warehouse/fbs",
    "/v1/analytics/manage/stocks",
    "/v2/analytics/stock_on_warehouses",
    "/v2/product/list",
    "/v2/product/info",
)


def product_list(call: Call) -> Answer:
    items, mark, found_count = _filtered_page(call, list_items)
    # Ozon does not count `total` since 2026-11-23: it is 0 or missing. Here it is 0, in the stocks it is missing.
    return {"result": {"items": items, "last_id": mark, "total": 0, "total_items": found_count}}


def product_stocks(call: Call) -> Answer:
    items, mark, found_count = _filtered_page(call, stock_items)
    return {"items": items, "cursor": mark, "total_items": found_count}


def _filtered_page(call: Call, render: Callable[[Products], list[Item]]) -> tuple[list[Item], str, int]:
    """Return a page of products, the mark after it (also after the last one), and the filter's count."""
    request: requests.ProductList | requests.ProductStocks = call.request
    asked_for = request.filter
    catalogue = call.catalogue
    wanted = EVERY_FILTER[asked_for.visibility]
    position = position_of(request.mark)
    if asked_for.product_id or asked_for.offer_id:
        named = _named(call, asked_for.product_id, asked_for.offer_id, [])
        wanted = _among(named, wanted)
        found_count = int(wanted(named).sum())
    else:
        found_count = catalogue.count(asked_for.visibility)
    products, following, _ = catalogue.page(wanted, position.index, request.limit)
    mark = Position(following).mark() if len(products) else request.mark
    return render(products), mark, found_count


def _named(call: Call, product_ids: Sequence[int], offer_ids: Sequence[str], skus: Sequence[int]) -> Products:
    catalogue = call.catalogue
    found = (
        catalogue.by_product_id(product_ids),
        catalogue.by_offer_id(offer_ids),
        catalogue.by_sku(skus),
    )
    return catalogue.products(np.unique(np.concatenate([products.indices for products in found])))


def _among(named: Products, wanted: Filter) -> Filter:
    return lambda products: np.isin(products.indices, named.indices) & wanted(products)


def product_info_list(call: Call) -> Answer:
    request: requests.ProductInfoList = call.request
    return {"items": detail_items(_named(call, request.product_id, request.offer_id, request.sku))}


def warehouse_list(call: Call) -> Answer:
    request: requests.WarehouseList = call.request
    start = position_of(request.cursor).index
    warehouses = seller_warehouses(call.catalogue.origin)
    page = warehouses[start : start + request.limit]
    end = start + len(page)
    entries = [_warehouse_entry(warehouse) for warehouse in page]
    return {"warehouses": entries, "cursor": Position(end).mark(), "has_next": end < len(warehouses)}


def _warehouse_entry(warehouse: SellerWarehouse) -> Item:
    return {
        "warehouse_id": warehouse.warehouse_id,
        "name": warehouse.name,
        "is_rfbs": warehouse.is_rfbs,
        "status": warehouse.status,
        "warehouse_type": "rfbs" if warehouse.is_rfbs else "fbs",
        "is_kgt": False,
        "is_express": False,
        "is_comfort": False,
        "is_auto_assembly": False,
        "has_entrusted_acceptance": False,
        "has_postings_limit": False,
        "postings_limit": -1,
        "min_postings_limit": 10,
        "working_days": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
        "address_info": {"address": "Россия, Москва", "latitude": 55.75, "longitude": 37.61, "utc": "+3"},
        "created_at": "2024-02-01T09:00:00Z",
        "updated_at": "2026-10-01T09:00:00Z",
    }


def product_warehouse_stocks(call: Call) -> Answer:
    request: requests.WarehouseStocks = call.request
    warehouses = seller_warehouses(call.catalogue.origin)
    chosen = [warehouse for warehouse in warehouses if warehouse.warehouse_id == request.warehouse_id]
    if not chosen:
        raise not_found("Warehouse")
    products, following, has_more = call.catalogue.page(
        _lying_in(chosen), position_of(request.cursor).index, request.limit
    )
    updated_at = stock_moments(products)
    entries = [
        {
            "sku": int(products.skus[stock.row]),
            "product_id": int(products.product_ids[stock.row]),
            "offer_id": products.offer_ids[stock.row],
            "warehouse_id": stock.warehouse.warehouse_id,
            "present": stock.present,
            "reserved": stock.reserved,
            "free_stock": stock.present - stock.reserved,
            "updated_at": updated_at[stock.row],
        }
        for stock in warehouse_stocks(products, chosen)
    ]
    return {"stocks": entries, "cursor": Position(following).mark(), "has_next": has_more}


def _lying_in(warehouses: Sequence[SellerWarehouse]) -> Filter:
    storages = [warehouse.storage for warehouse in warehouses if warehouse.storage is not None]
    return lambda products: products.exist & ~products.archived & products.listed_in[storages].any(axis=0)


def stocks_by_warehouse(call: Call) -> Answer:
    request: requests.StocksByWarehouse = call.request
    products = _named(call, [], request.offer_id, request.sku)
    stocks = warehouse_stocks(products, seller_warehouses(call.catalogue.origin))
    start = position_of(request.cursor).index
    end = min(start + request.limit, len(stocks))
    entries = [
        {
            "sku": int(products.skus[stock.row]),
            "offer_id": products.offer_ids[stock.row],
            "product_id": int(products.product_ids[stock.row]),
            "warehouse_id": stock.warehouse.warehouse_id,
            "warehouse_name": stock.warehouse.name,
            "present": stock.present,
            "reserved": stock.reserved,
            "free_stock": stock.present - stock.reserved,
        }
        for stock in stocks[start:end]
    ]
    return {"products": entries, "cursor": Position(end).mark(), "has_next": end < len(stocks)}


def analytics_stocks(call: Call) -> Answer:
    request: requests.AnalyticsStocks = call.request
    return {"items": ozon_warehouse_rows(call.catalogue.by_sku(request.skus))}


def roles(call: Call) -> Answer:
    expires_at = call.account.key_expires_at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return {"expires_at": expires_at, "roles": [{"name": "Admin read only", "methods": list(METHODS)}]}


def report_create(call: Call) -> Answer:
    code = call.reports.order(call.account_name, call.account.client_id, call.catalogue, call.request)
    return {"result": {"code": code}}


def report_info(call: Call) -> Answer:
    request: requests.ReportInfo = call.request
    return {"result": call.reports.info(call.account_name, request.code, call.base_url)}


_ALL = (
    Method(
        "/v3/product/list",
        requests.ProductList,
        product_list,
        ("result", "items"),
        ("result", "last_id"),
    ),
    Method("/v3/product/info/list", requests.ProductInfoList, product_info_list, ("items",)),
    Method("/v4/product/info/stocks", requests.ProductStocks, product_stocks, ("items",), ("cursor",)),
    Method("/v2/warehouse/list", requests.WarehouseList, warehouse_list, ("warehouses",), ("cursor",)),
    Method(
        "/v1/product/info/warehouse/stocks",
        requests.WarehouseStocks,
        product_warehouse_stocks,
        ("stocks",),
        ("cursor",),
    ),
    Method(
        "/v2/product/info/stocks-by-warehouse/fbs",
        requests.StocksByWarehouse,
        stocks_by_warehouse,
        ("products",),
        ("cursor",),
    ),
    Method(ANALYTICS_STOCKS, requests.AnalyticsStocks, analytics_stocks, ("items",)),
    Method("/v1/roles", requests.Empty, roles),
    Method("/v1/report/products/create", requests.ReportCreate, report_create),
    Method("/v1/report/info", requests.ReportInfo, report_info),
)

METHODS: dict[str, Method] = {method.path: method for method in _ALL}
