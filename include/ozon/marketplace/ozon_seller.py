"""Addresses of Ozon Seller, the web site where sellers work."""

from __future__ import annotations

_PRODUCT = "https://seller.ozon.ru/app/products/{}/edit/general-info"


def product_address(product_id: int) -> str:
    return _PRODUCT.format(product_id)
