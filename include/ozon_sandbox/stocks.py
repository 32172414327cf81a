"""Stock as in the methods' answers: by type, by seller warehouse and by FBO warehouse.

All three are computed from the same pieces, so they agree: ``fbs`` is the sum of the seller's FBS warehouses, and
``present`` includes ``reserved``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from include.ozon_sandbox import moments, vocabulary
from include.ozon_sandbox.hashing import below
from include.ozon_sandbox.products import Origin, Products, Storage

_STORAGES_OF_TYPE = {
    "fbo": (Storage.FBO,),
    "fbs": (Storage.FBS_MAIN, Storage.FBS_SECOND),
    "rfbs": (Storage.RFBS,),
    "fbp": (Storage.FBP,),
}
_ALWAYS_LISTED = ("fbo", "fbs")


class TypedStock(NamedTuple):
    type: str
    sku: int
    present: int
    reserved: int


@dataclass(frozen=True)
class SellerWarehouse:
    warehouse_id: int
    name: str
    is_rfbs: bool
    status: str
    storage: Storage | None


class WarehouseStock(NamedTuple):
    row: int
    warehouse: SellerWarehouse
    present: int
    reserved: int


def seller_warehouses(origin: Origin) -> list[SellerWarehouse]:
    """Return an account's seller warehouses; the last one is disabled and empty."""
    first = 23_000_000_000_000 + origin.key("warehouse") % 1_000_000_000 * 1_000
    return [
        SellerWarehouse(first, "Склад Москва-Север", False, "created", Storage.FBS_MAIN),
        SellerWarehouse(first + 1, "Склад Тверь, ул. Объездная", False, "created", Storage.FBS_SECOND),
        SellerWarehouse(first + 2, "Своя доставка (rFBS)", True, "created", Storage.RFBS),
        SellerWarehouse(first + 3, "Старый склад", False, "disabled", None),
    ]


def typed_stocks(products: Products) -> list[list[TypedStock]]:
    """Return for each product a row for each type that Ozon lists, including zeros; none without a SKU."""
    skus = products.skus.tolist()
    rows: list[list[TypedStock]] = [[] for _ in skus]
    for kind, storages in _STORAGES_OF_TYPE.items():
        reserved = products.reserved[list(storages)].sum(axis=0)
        present = products.free[list(storages)].sum(axis=0) + reserved
        listed = products.skus > 0 if kind in _ALWAYS_LISTED else products.listed_in[storages[0]]
        columns = zip(rows, listed.tolist(), skus, present.tolist(), reserved.tolist(), strict=True)
        for row, is_listed, sku, pieces, reserved_pieces in columns:
            if is_listed:
                row.append(TypedStock(kind, sku, pieces, reserved_pieces))
    return rows


def warehouse_stocks(products: Products, warehouses: list[SellerWarehouse]) -> list[WarehouseStock]:
    """Return the stock in these warehouses, by product, without archived products."""
    shown = []
    for warehouse in warehouses:
        if warehouse.storage is not None:
            storage = warehouse.storage
            listed = products.listed_in[storage] & ~products.archived
            reserved = products.reserved[storage]
            present = products.free[storage] + reserved
            shown.append((warehouse, listed.tolist(), present.tolist(), reserved.tolist()))
    return [
        WarehouseStock(row, warehouse, present[row], reserved[row])
        for row in range(len(products))
        for warehouse, listed, present, reserved in shown
        if listed[row]
    ]


def stock_moments(products: Products) -> list[str]:
    return moments.texts(
        products.stock_since_tick, below(products.hash("stock moment"), 21_600), products.origin.tick_0_at
    )


def ozon_warehouse_rows(products: Products) -> list[dict[str, Any]]:
    """Return the FBO pieces that can be ordered, spread over some FBO warehouses.

    A SKU in several of them also has the sum of each cluster, with warehouse_id 0 and without a name.
    """
    rows: list[dict[str, Any]] = []
    first_places = below(products.hash("ozon warehouse"), len(vocabulary.OZON_WAREHOUSES)).tolist()
    sales = below(products.hash("sales"), 400).tolist()
    free = products.free[Storage.FBO].tolist()
    in_transit = below(products.hash("transit"), 12).tolist()
    for row, sku in enumerate(products.skus.tolist()):
        placed: list[dict[str, Any]] = []
        for turn, pieces in enumerate(_split(free[row])):
            place = (first_places[row] + turn) % len(vocabulary.OZON_WAREHOUSES)
            sold_a_day = sales[row] / 100
            placed.append(
                _analytics_row(sku, products.offer_ids[row], products.names[row], place)
                | {"available_stock_count": pieces, "transit_stock_count": in_transit[row] if turn == 0 else 0}
                | _turnover(free[row], pieces, sold_a_day)
            )
        rows += placed
        if len(placed) > 1:
            rows += _cluster_sums(placed)
    return rows


def _cluster_sums(placed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of one SKU, added up by cluster."""
    sums: dict[int, dict[str, Any]] = {}
    for row in placed:
        nowhere = row | {"warehouse_id": 0, "warehouse_name": "", "available_stock_count": 0}
        sums.setdefault(row["cluster_id"], nowhere)["available_stock_count"] += row["available_stock_count"]
    return list(sums.values())


def _split(pieces: int) -> list[int]:
    """Split an amount over up to three warehouses; a small one stays in one warehouse."""
    places = 1 + (pieces >= 6) + (pieces >= 20)
    share = pieces // places
    return [pieces - share * (places - 1), *[share] * (places - 1)]


def _analytics_row(sku: int, offer_id: str, name: str, place: int) -> dict[str, Any]:
    warehouse_id, warehouse_name, cluster_id, cluster_name = vocabulary.OZON_WAREHOUSES[place]
    return {
        "sku": sku,
        "offer_id": offer_id,
        "name": name,
        "warehouse_id": warehouse_id,
        "warehouse_name": warehouse_name,
        "cluster_id": cluster_id,
        "cluster_name": cluster_name,
        "item_tags": [],
        "valid_stock_count": 0,
        "waiting_docs_stock_count": 0,
        "expiring_stock_count": 0,
        "excess_stock_count": 0,
        "requested_stock_count": 0,
        "transit_defect_stock_count": 0,
        "stock_defect_stock_count": 0,
        "return_from_customer_stock_count": 0,
        "return_to_seller_stock_count": 0,
        "other_stock_count": 0,
    }


def _turnover(all_pieces: int, pieces: int, sold_a_day: float) -> dict[str, Any]:
    """Return the sales figures; ``idc`` is the number of days until the stock is sold, 0 without sales."""
    return {
        "ads": sold_a_day,
        "ads_cluster": round(sold_a_day / 2, 3),
        "idc": round(all_pieces / sold_a_day, 2) if sold_a_day else 0,
        "idc_cluster": round(2 * pieces / sold_a_day, 2) if sold_a_day else 0,
        "days_without_sales": 0 if sold_a_day else 28,
        "days_without_sales_cluster": 0 if sold_a_day else 28,
        "turnover_grade": _grade(all_pieces, sold_a_day),
        "turnover_grade_cluster": _grade(pieces, sold_a_day / 2),
    }


def _grade(pieces: int, sold_a_day: float) -> str:
    if not sold_a_day:
        return "NO_SALES"
    days = pieces / sold_a_day
    bounds = ((28, "DEFICIT"), (56, "POPULAR"), (120, "ACTUAL"))
    return next((grade for bound, grade in bounds if days < bound), "SURPLUS")
