"""Products as ``/v3/product/list`` and ``/v3/product/info/list`` show them."""

from __future__ import annotations

from typing import Any

from include.ozon_sandbox import moments, vocabulary
from include.ozon_sandbox.filters import has_barcode
from include.ozon_sandbox.hashing import below
from include.ozon_sandbox.products import Products, Storage
from include.ozon_sandbox.situations import SITUATIONS, Code, Situation
from include.ozon_sandbox.stocks import TypedStock, typed_stocks

Item = dict[str, Any]

_IMAGES = "https://cdn1.ozone.ru/s3/multimedia-1"
_SECONDS_OF_A_TICK = 21_600
_SECONDS_OF_THREE_YEARS = 94_608_000


def price_text(hundredths: int) -> str:
    """Return a price as Ozon's text, which is empty if no price is set."""
    return f"{hundredths // 100}.{hundredths % 100:02d}" if hundredths else ""


def list_items(products: Products) -> list[Item]:
    free = products.free
    columns = zip(
        products.product_ids.tolist(),
        products.offer_ids,
        products.skus.tolist(),
        products.archived.tolist(),
        (free[Storage.FBO] > 0).tolist(),
        (free[Storage.FBS_MAIN] + free[Storage.FBS_SECOND] > 0).tolist(),
        strict=True,
    )
    return [
        {
            "product_id": product_id,
            "offer_id": offer_id,
            **({"sku": sku} if sku else {}),
            "archived": archived,
            "has_fbo_stocks": has_fbo,
            "has_fbs_stocks": has_fbs,
            "is_discounted": False,
            "quants": [],
        }
        for product_id, offer_id, sku, archived, has_fbo, has_fbs in columns
    ]


def stock_items(products: Products) -> list[Item]:
    """Return entries of ``/v4/product/info/stocks``."""
    columns = zip(products.product_ids.tolist(), products.offer_ids, typed_stocks(products), strict=True)
    return [
        {
            "product_id": product_id,
            "offer_id": offer_id,
            "stocks": [
                {
                    "type": stock.type,
                    "present": stock.present,
                    "reserved": stock.reserved,
                    "sku": stock.sku,
                    "shipment_type": "SHIPMENT_TYPE_GENERAL",
                    "warehouse_ids": [],
                }
                for stock in stocks
            ],
        }
        for product_id, offer_id, stocks in columns
    ]


def detail_items(products: Products) -> list[Item]:
    created = _created(products)
    columns = zip(
        products.product_ids.tolist(),
        products.offer_ids,
        products.names,
        products.skus.tolist(),
        products.situations.tolist(),
        products.prices.tolist(),
        products.old_prices.tolist(),
        products.currencies.tolist(),
        products.has_stock.tolist(),
        has_barcode(products).tolist(),
        typed_stocks(products),
        created,
        _changed(products, created),
        _situation_changed(products, created),
        below(products.hash("traits"), 1 << 30).tolist(),
        strict=True,
    )
    return [_detail_item(*column) for column in columns]


def _created(products: Products) -> list[str]:
    """Return the moments of creation: up to three years before tick 0, or within the product's own tick."""
    seconds = below(products.hash("created"), _SECONDS_OF_THREE_YEARS)
    born_later = products.born_at_tick > 0
    since = (seconds % _SECONDS_OF_A_TICK) * born_later - seconds * ~born_later
    return moments.texts(products.born_at_tick, since, products.origin.tick_0_at)


def _changed(products: Products, created: list[str]) -> list[str]:
    """Return ``updated_at``, which changes with the price and the statuses, not with the stock."""
    ticks = products.situation_since_tick.clip(products.price_since_tick)
    return _moments_after_creation(products, ticks, created)


def _situation_changed(products: Products, created: list[str]) -> list[str]:
    return _moments_after_creation(products, products.situation_since_tick, created)


def _moments_after_creation(products: Products, ticks: Any, created: list[str]) -> list[str]:
    seconds = below(products.hash("changed"), _SECONDS_OF_A_TICK)
    changed = moments.texts(ticks, seconds, products.origin.tick_0_at)
    since_birth = (ticks <= products.born_at_tick).tolist()
    return [
        first if unchanged else later for first, later, unchanged in zip(created, changed, since_birth, strict=True)
    ]


def _detail_item(
    product_id: int,
    offer_id: str,
    name: str,
    sku: int,
    code: int,
    price: int,
    old_price: int,
    currency: int,
    has_stock: bool,
    barcode: bool,
    stocks: list[TypedStock],
    created_at: str,
    updated_at: str,
    status_updated_at: str,
    traits: int,
) -> Item:
    situation = SITUATIONS[Code(code)]
    currency_code = vocabulary.CURRENCIES[currency][0]
    picture = f"{_IMAGES}-{traits % 36}/{7_000_000_000 + traits}"
    return {
        "id": product_id,
        "name": name,
        "offer_id": offer_id,
        "is_archived": situation.visibility == "ARCHIVED",
        "is_autoarchived": code in {Code.AUTO_ARCHIVED, Code.SEASONAL_ARCHIVED},
        "barcodes": [f"OZN{sku}"] if barcode else [],
        "description_category_id": 17_027_900 + traits % 90,
        "type_id": 91_900 + traits % 77,
        "created_at": created_at,
        "images": [f"{picture}{turn}.jpg" for turn in range(traits % 3)],
        "currency_code": currency_code,
        "min_price": price_text(price * 9 // 10) if traits % 5 < 2 else "",
        "old_price": price_text(old_price),
        "price": price_text(price),
        "declared_price": "",
        "sources": _sources(sku, created_at),
        "model_info": {"model_id": 360_000_000 + traits % 100_000_000, "count": 1 + traits % 3},
        "commissions": _commissions(price, currency_code),
        "is_prepayment_allowed": True,
        "volume_weight": (traits % 300 + 1) / 10,
        "has_discounted_fbo_item": False,
        "is_discounted": False,
        "discounted_fbo_stocks": 0,
        "stocks": {
            "has_stock": has_stock,
            "stocks": [
                {"sku": stock.sku, "source": stock.type, "present": stock.present, "reserved": stock.reserved}
                for stock in stocks
            ],
        },
        "errors": _errors(situation),
        "updated_at": updated_at,
        "vat": ("0.22", "0.10", "0.05", "0")[traits % 4],
        "visibility_details": {"has_price": price > 0, "has_stock": has_stock},
        "price_indexes": _price_indexes(price, currency_code, traits),
        "is_kgt": traits % 50 == 0,
        "color_image": [],
        "primary_image": [f"{picture}.jpg"],
        "statuses": {
            "status": situation.status,
            "status_failed": situation.status_failed,
            "moderate_status": situation.moderate_status,
            "validation_status": situation.validation_status,
            "status_name": situation.status_name,
            "status_description": situation.status_description,
            "is_created": situation.is_created,
            "status_tooltip": situation.status_tooltip,
            "status_updated_at": status_updated_at,
        },
        "is_super": False,
        "is_seasonal": code == Code.SEASONAL_ARCHIVED,
        "promotions": [{"type": "REVIEWS_PROMO", "is_enabled": traits % 7 == 0}],
        "sku": sku,
        "availabilities": _availabilities(sku, situation),
    }


def _sources(sku: int, created_at: str) -> list[Item]:
    if not sku:
        return []
    return [
        {
            "sku": sku,
            "source": "sds",
            "created_at": created_at,
            "shipment_type": "SHIPMENT_TYPE_GENERAL",
            "quant_code": "",
        }
    ]


def _commissions(price: int, currency_code: str) -> list[Item]:
    own = {"currency_code": currency_code, "value": round(price * 0.19 / 100, 2), "percent": 19}
    by_ozon = {"currency_code": currency_code, "value": round(price * 0.18 / 100, 2), "percent": 18}
    delivered = {"delivery_amount": 32.95, "return_amount": 83}
    return [
        {"sale_schema": "FBO", **by_ozon, **delivered},
        {"sale_schema": "FBS", **by_ozon, **delivered},
        {"sale_schema": "RFBS", **own},
        {"sale_schema": "FBP", **own},
    ]


def _errors(situation: Situation) -> list[Item]:
    error = situation.error
    if error is None:
        return []
    texts = {
        "attribute_name": "",
        "description": error.text,
        "hint_code": error.code,
        "message": error.text,
        "short_description": error.text,
        "params": [],
    }
    return [
        {
            "code": error.code,
            "field": error.field,
            "attribute_id": 0,
            "state": situation.status,
            "level": error.level,
            "texts": texts,
        }
    ]


def _price_indexes(price: int, currency_code: str, traits: int) -> Item:
    unknown = {"minimal_price": "", "minimal_price_currency": currency_code, "price_index_value": 0}
    compared = unknown | {"minimal_price": price_text(price), "price_index_value": 1}
    has_index = traits % 3 == 0 and price > 0
    return {
        "color_index": "COLOR_INDEX_GREEN" if has_index else "COLOR_INDEX_WITHOUT_INDEX",
        "external_index_data": compared if has_index else unknown,
        "ozon_index_data": unknown,
        "self_marketplaces_index_data": unknown,
    }


def _availabilities(sku: int, situation: Situation) -> list[Item]:
    """Return one entry for each source; that of a visible product has no reasons."""
    if not situation.reasons:
        return [{"sku": sku, "source": "sds", "availability": "AVAILABLE", "reasons": []}]
    sources = ("sds",) if len(situation.reasons) == 1 else ("fbo", "fbs")
    return [
        {
            "sku": sku,
            "source": source,
            "availability": "HIDDEN",
            "reasons": [{"id": 10 + number, "human_text": {"text": reason}}],
        }
        for number, (source, reason) in enumerate(zip(sources, situation.reasons, strict=True))
    ]
