"""The view of all products: search, filters, order, pages, and the file of what is filtered."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, StreamingResponse

from include.ozon.page import products_csv
from include.ozon.page.product_list import ProductPage, read_page, read_reasons
from include.ozon.page.product_search import InSearch, Price, Search, Shown, Sort, Stock, cursor
from include.ozon.page.rendering import link
from include.ozon.page.view import InView, View
from include.ozon.translation import N_
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection

router = APIRouter()

_COLUMNS = (
    ("article", N_("Product"), ""),
    ("", N_("Account"), ""),
    ("since", N_("Visibility"), ""),
    ("", N_("Reason"), ""),
    ("stock", N_("Pieces"), "n"),
    ("price", N_("Price"), "n"),
    ("", N_("Value of stock"), "n"),
    ("", N_("SKU"), "n"),
)
"""The columns of the list: the order by it, if there is one, its title, and the class of its cells."""

_STOCK_TITLES = {
    Stock.ANY: N_("Any stock"),
    Stock.IN_STOCK: N_("In stock"),
    Stock.OUT_OF_STOCK: N_("Out of stock"),
    Stock.UNKNOWN: N_("Stock unknown"),
}
_PRICE_TITLES = {Price.ANY: N_("Any price"), Price.CHANGED: N_("Price changed today")}
# Numbers and moments are most interesting from the largest on.
_DESCENDING_FIRST = frozenset({"since", "stock", "price"})


@router.get("/products")
async def show(view: InView, search: InSearch) -> HTMLResponse:
    page, reasons = await view.read(lambda connection: _read(connection, view, search))

    def address(**changes: Any) -> str:
        return link(view.request, "products", **(search.parameters | changes))

    return view.page(
        "products.html",
        page=page,
        search=search,
        reasons=reasons,
        columns=[column for column in _COLUMNS if column[1] != "Account" or len(view.accounts) > 1],
        orders=_orders(search),
        shown=[each for each in Shown if each not in {Shown.ANY, Shown.OUT_OF_SIGHT}],
        stocks=_STOCK_TITLES,
        prices=_PRICE_TITLES,
        address=address,
        following=address(after=cursor(search.sort, page.following)) if page.following else "",
        csv=link(view.request, "products.csv", **search.parameters),
    )


@router.get("/products.csv")
async def download(view: InView, search: InSearch) -> StreamingResponse:
    return await products_csv.response(view, search)


def _read(connection: Connection, view: View, search: Search) -> tuple[ProductPage, list[str]]:
    require_head(connection)
    page = read_page(connection, search, view.accounts, view.now)
    return page, read_reasons(connection, search, view.accounts)


def _orders(search: Search) -> dict[str, str]:
    """Return, for each column with an order, the one that a click on its title selects."""
    found = {}
    for column, _, _ in _COLUMNS:
        if column == search.sort.column:
            found[column] = column if search.sort.is_descending else f"-{column}"
        elif column:
            found[column] = f"-{column}" if column in _DESCENDING_FIRST else column
    return {column: "" if order == Sort.NEWEST else order for column, order in found.items()}
