"""The columns of the report's product lists: one entry is a column of the CSV file, the text and the HTML page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from include.ozon.monitoring.metrics.definitions import visibility_title
from include.ozon.monitoring.metrics.model import Product
from include.ozon.monitoring.metrics.words import product_name, reason_words
from include.ozon.reports import spreadsheet
from include.ozon.settings import Settings
from include.ozon.translation import N_
from include.ozon.translation import gettext as _
from include.ozon.words import moment, money, number, one_line


@dataclass(frozen=True)
class Row:
    """A product in one of the lists."""

    product: Product
    section: str
    settings: Settings


@dataclass(frozen=True)
class ProductColumn:
    """A column; ``value`` is its cell in the CSV file, ``text`` its cell for people."""

    name: str
    value: Callable[[Row], spreadsheet.Value]
    title: str = ""
    """The heading for people; empty if the column is only in the CSV file."""
    text: Callable[[Row], str] | None = None
    """By default ``value`` as its kind is written."""
    kind: Literal["text", "number", "money"] = "text"
    below: str = ""
    """In HTML the column below whose cells it is shown in small."""
    width: int = 0
    """In text its part of the width that is left; 0 if it is as wide as its cells."""
    is_cut: bool = False
    """In text a cell is one line, cut where the width ends."""

    def shown(self, row: Row) -> str:
        """Return the cell for people; empty if there is no value."""
        if self.text:
            return self.text(row)
        match self.value(row):
            case None:
                return ""
            case Decimal() as amount if self.kind == "money":
                return money(amount, row.product.currency)
            case str() as found:
                return one_line(found)
            case count:
                return number(count)

    @property
    def is_number(self) -> bool:
        return self.kind != "text"


def _since(row: Row) -> str:
    """Return when a state began; a product's first known state began earlier."""
    began = moment(row.product.since, row.settings)
    return _("before {moment}").format(moment=began) if row.product.is_since_first_seen else began


def _visibility(row: Row) -> str:
    """Return the product's visibility in the current language; Ozon no longer lists a removed one."""
    return _("gone") if row.section == "removed" else visibility_title(row.product.visibility)


PRODUCT_COLUMNS = (
    ProductColumn("product_id", lambda row: row.product.product_id),
    ProductColumn("offer_id", lambda row: row.product.offer_id, N_("Article"), below="name", width=3),
    ProductColumn(
        "name",
        lambda row: row.product.name,
        N_("Product"),
        text=lambda row: product_name(row.product),
        width=4,
        is_cut=True,
    ),
    ProductColumn("visibility", lambda row: row.product.visibility, N_("Visibility"), text=_visibility),
    ProductColumn("previous_visibility", lambda row: row.product.previous),
    ProductColumn(
        "reasons",
        lambda row: "; ".join(row.product.reasons),
        N_("Reason"),
        text=lambda row: reason_words(row.product),
        width=4,
    ),
    ProductColumn(
        "since",
        lambda row: spreadsheet.moment(row.product.since, row.settings),
        N_("Since"),
        text=_since,
        below="visibility",
    ),
    ProductColumn("units", lambda row: row.product.units, N_("Pieces"), kind="number"),
    ProductColumn("price", lambda row: row.product.price, N_("Price"), kind="money"),
    ProductColumn("daily_sales", lambda row: row.product.daily_sales),
)
SHOWN_COLUMNS = tuple(column for column in PRODUCT_COLUMNS if column.title)
