"""The sandbox's answers against `ozonapi-async`, whose pydantic models somebody else wrote from Ozon's documentation.

Where those models and ozon-api.md disagree, ozon-api.md is right, and the test documents it.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import pytest
from ozonapi.seller.common.enumerations.products import Visibility
from ozonapi.seller.schemas.api_key import RolesResponse
from ozonapi.seller.schemas.beta import AnalyticsStocksResponse
from ozonapi.seller.schemas.prices_and_stocks import (
    ProductInfoStocksByWarehouseFBSResponse,
    ProductInfoStocksResponse,
    ProductInfoWarehouseStocksResponse,
)
from ozonapi.seller.schemas.products import ProductInfoListResponse, ProductListResponse
from ozonapi.seller.schemas.reports import ReportInfoResponse, ReportProductsCreateResponse
from ozonapi.seller.schemas.warehouses import WarehouseListResponse
from pydantic import BaseModel

from include.ozon_sandbox.process import SandboxProcess

Model = TypeVar("Model", bound=BaseModel)


def answer(sandbox: SandboxProcess, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = sandbox.post(path, body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def understood(model: type[Model], found: dict[str, Any]) -> Model:
    """Decode strictly, so that a number sent as text is not accepted as a number."""
    return model.model_validate_json(json.dumps(found), strict=True)


def test_product_list(sandbox: SandboxProcess) -> None:
    found = answer(sandbox, "/v3/product/list", {"filter": {"visibility": "ALL"}, "limit": 1000})
    parsed = understood(ProductListResponse, found)
    assert len(parsed.result.items) == found["result"]["total_items"] > 0


@pytest.mark.parametrize("visibility", ["ALL", "ARCHIVED"])
def test_product_info_list(sandbox: SandboxProcess, visibility: str) -> None:
    listed = answer(sandbox, "/v3/product/list", {"filter": {"visibility": visibility}, "limit": 1000})
    product_ids = [item["product_id"] for item in listed["result"]["items"]]
    found = answer(sandbox, "/v3/product/info/list", {"product_id": product_ids})
    parsed = understood(ProductInfoListResponse, found)
    assert [item.id for item in parsed.items] == product_ids


def test_product_info_stocks(sandbox: SandboxProcess) -> None:
    found = answer(sandbox, "/v4/product/info/stocks", {"filter": {"visibility": "ALL"}, "limit": 1000})
    # The model still requires `total`, which Ozon switched off on 2026-11-23.
    parsed = understood(ProductInfoStocksResponse, found | {"total": 0})
    assert {stock.type.value for item in parsed.items for stock in item.stocks} == {"fbo", "fbs", "rfbs", "fbp"}


def test_warehouses_and_their_stocks(sandbox: SandboxProcess) -> None:
    found = answer(sandbox, "/v2/warehouse/list", {"limit": 200})
    warehouses = understood(WarehouseListResponse, found).warehouses
    body = {"warehouse_id": warehouses[0].warehouse_id, "limit": 1000}
    stocks = understood(
        ProductInfoWarehouseStocksResponse, answer(sandbox, "/v1/product/info/warehouse/stocks", body)
    ).stocks
    assert stocks
    body = {"sku": [str(stock.sku) for stock in stocks[:10]], "limit": 1000}
    by_product = understood(
        ProductInfoStocksByWarehouseFBSResponse,
        answer(sandbox, "/v2/product/info/stocks-by-warehouse/fbs", body),
    )
    assert {row.sku for row in by_product.products} == {stock.sku for stock in stocks[:10]}


def test_analytics_stocks(sandbox: SandboxProcess) -> None:
    skus = [product["sku"] for product in sandbox.catalogue("main") if product["sku"]][:100]
    parsed = understood(AnalyticsStocksResponse, answer(sandbox, "/v1/analytics/stocks", {"skus": skus}))
    assert {item.sku for item in parsed.items} == set(skus)


def test_roles(sandbox: SandboxProcess) -> None:
    assert understood(RolesResponse, answer(sandbox, "/v1/roles", {})).roles[0].methods


def test_reports(sandbox: SandboxProcess) -> None:
    created = understood(ReportProductsCreateResponse, answer(sandbox, "/v1/report/products/create", {}))
    assert created.result is not None
    info = understood(ReportInfoResponse, answer(sandbox, "/v1/report/info", {"code": created.result.code}))
    assert info.result is not None
    assert info.result.status == "waiting"


@pytest.mark.parametrize("visibility", [value.value for value in Visibility if value is not Visibility.BANNED])
def test_every_visibility_is_a_filter(sandbox: SandboxProcess, visibility: str) -> None:
    # BANNED is not among the values of ozon-api.md, and is refused.
    answer(sandbox, "/v3/product/list", {"filter": {"visibility": visibility}, "limit": 1})
