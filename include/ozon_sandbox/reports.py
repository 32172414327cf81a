"""The products report: ordered, ready after a few polls, downloaded as CSV.

A report shows the catalogue at the time of the order. It is kept in memory and does not outlive the process, just as
reports expire at Ozon.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec

from include.ozon_sandbox.catalogue import Catalogue
from include.ozon_sandbox.errors import not_found
from include.ozon_sandbox.filters import FILTERS
from include.ozon_sandbox.items import price_text
from include.ozon_sandbox.products import Products, Storage
from include.ozon_sandbox.requests import ReportCreate

_MOST_REPORTS = 100
_STATUSES = ("waiting", "processing", "success")
_ROWS_AT_ONCE = 5_000
# These files are for Excel, which recognizes UTF-8 only by this mark.
_BYTE_ORDER_MARK = "\ufeff"

_COLUMNS = (
    "Артикул",
    "Ozon Product ID",
    "SKU",
    "Barcode",
    "Название товара",
    "Статус товара",
    "Видимость на Ozon",
    "Причины скрытия",
    "Доступно к продаже по схеме FBO, шт.",
    "Доступно к продаже по схеме FBS, шт.",
    "Зарезервировано, шт",
    "Текущая цена с учетом скидки, ₽",
    "Цена до скидки (перечеркнутая цена), ₽",
)


@dataclass
class Report:
    code: str
    account_name: str
    catalogue: Catalogue
    order: ReportCreate
    created_at: dt.datetime
    polls: int = 0

    def lines(self) -> Iterator[bytes]:
        """Yield the file, a few thousand rows at a time."""
        yield _csv_text([_COLUMNS], _BYTE_ORDER_MARK)
        wanted = FILTERS[self.order.visibility]
        for chunk in self.catalogue.chunks(size=_ROWS_AT_ONCE):
            shown = self.catalogue.products(chunk.indices[wanted(chunk)])
            yield _csv_text(self._rows(shown))

    def _rows(self, products: Products) -> Iterator[tuple[object, ...]]:
        free = products.free
        in_sellers_warehouses = free[Storage.FBS_MAIN] + free[Storage.FBS_SECOND]
        reserved = products.reserved.sum(axis=0)
        skus, offer_ids = set(self.order.sku), set(self.order.offer_id)
        for row, sku in enumerate(products.skus.tolist()):
            offer_id = products.offer_ids[row]
            if (skus or offer_ids) and sku not in skus and offer_id not in offer_ids:
                continue
            situation = products.situation_at(row)
            yield (
                f"'{offer_id}",
                int(products.product_ids[row]),
                sku or "",
                f"OZN{sku}" if sku else "",
                products.names[row],
                situation.status_name,
                "Отображается" if products.visible[row] else "Скрыт",
                ", ".join(situation.reasons),
                int(free[Storage.FBO][row]),
                int(in_sellers_warehouses[row]),
                int(reserved[row]),
                price_text(int(products.prices[row])),
                price_text(int(products.old_prices[row])),
            )


def _csv_text(rows: Any, prefix: str = "") -> bytes:
    text = io.StringIO(prefix)
    text.seek(0, io.SEEK_END)
    csv.writer(text, delimiter=";", quotechar='"', quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@dataclass
class Reports:
    """The ordered reports; the oldest are dropped first."""

    _by_code: dict[str, Report] = field(default_factory=dict)

    def order(self, account_name: str, client_id: str, catalogue: Catalogue, order: ReportCreate) -> str:
        code = f"REPORT_seller_products_{client_id}_{uuid4()}"
        self._by_code[code] = Report(code, account_name, catalogue, order, dt.datetime.now(dt.UTC))
        while len(self._by_code) > _MOST_REPORTS:
            del self._by_code[next(iter(self._by_code))]
        return code

    def find(self, code: str) -> Report | None:
        """Return the report of a code; the download needs no key, because its address is secret."""
        report = self._by_code.get(code)
        return report if report and report.polls >= len(_STATUSES) else None

    def info(self, account_name: str, code: str, base_url: str) -> dict[str, Any]:
        """Return the answer of ``/v1/report/info``; each poll advances the report by one status."""
        report = self._by_code.get(code)
        if report is None or report.account_name != account_name:
            raise not_found("Report")
        report.polls += 1
        status = _STATUSES[min(report.polls, len(_STATUSES)) - 1]
        return {
            "code": code,
            "status": status,
            "error": "",
            "file": f"{base_url}/reports/{code}.csv" if status == "success" else "",
            "report_type": "seller_products",
            "params": msgspec.to_builtins(report.order),
            "created_at": _text(report.created_at),
            "expires_at": _text(report.created_at + dt.timedelta(days=2)),
        }


def _text(moment: dt.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
