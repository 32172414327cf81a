"""The Seller API's methods: path, type of the entries, and largest request."""

from __future__ import annotations

from include.ozon.marketplace.answers import (
    FboStock,
    ListedProduct,
    ProductDetail,
    StockItem,
    Warehouse,
    WarehouseStock,
)
from include.ozon.marketplace.decoding import ListMethod, ProductListEnvelope

PRODUCT_LIST = ListMethod("/v3/product/list", ListedProduct, envelope=ProductListEnvelope, wrapper="result")
PRODUCT_DETAILS = ListMethod("/v3/product/info/list", ProductDetail)
STOCKS = ListMethod("/v4/product/info/stocks", StockItem)
WAREHOUSES = ListMethod("/v2/warehouse/list", Warehouse, "warehouses", is_often_empty=True)
WAREHOUSE_STOCKS = ListMethod("/v1/product/info/warehouse/stocks", WarehouseStock, "stocks", is_often_empty=True)
FBO_STOCKS = ListMethod("/v1/analytics/stocks", FboStock, is_often_empty=True)
ROLES_PATH = "/v1/roles"

# Ozon's upper limits of one request.
MAX_DETAILS_COUNT = 1000
MAX_WAREHOUSES_COUNT = 200
MAX_FBO_SKUS_COUNT = 100
