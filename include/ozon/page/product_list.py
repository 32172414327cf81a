"""A page of the products that match a search, in its order, in bounded time whatever is searched.

If one of the conditions is met by few products, these are read, filtered and sorted: the number of hits is exact.
Otherwise the index of the order is read from the page's place on, until the page is full or ``MOST_STEPS`` products
were read; then a page may have fewer products than fit, and still a next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.rows import class_row

from include.ozon.page.product_filters import ARTICLE, Filters
from include.ozon.page.product_search import MOST_ID, Place, Search
from include.ozon.warehouse.session import Connection

PAGE_SIZE = 50
FEW = 5_000
"""Up to this number hits are counted."""
MOST_STEPS = 15_000

_PRODUCT: LiteralString = """
SELECT p.account, p.product_id, p.offer_id, p.sku, p.name, p.price, p.old_price, p.currency_code, p.visibility,
       p.visibility_changed_at, p.hidden_reasons, s.available AS units
FROM unnest(%(found_accounts)s::text[], %(found_ids)s::bigint[]) AS found (account, product_id)
JOIN ozon.products p USING (account, product_id)
LEFT JOIN ozon.product_stock s USING (account, product_id)
"""

KEYS: dict[str, LiteralString] = {
    "since": "p.visibility_changed_at",
    "price": "coalesce(p.price, -1)",
    "article": ARTICLE,
    "stock": "coalesce(s.available, -1)",
}
"""By order, its key; what is unknown comes before everything else, descending after it."""

_HITS: LiteralString = """
SELECT {key} AS key, p.account, p.product_id
FROM unnest(%(found_accounts)s::text[], %(found_ids)s::bigint[]) AS found (account, product_id)
JOIN ozon.products p USING (account, product_id)
LEFT JOIN ozon.product_stock s USING (account, product_id)
WHERE p.removed_at IS NULL AND {conditions}
"""

_WALK: dict[str, LiteralString] = {
    "since": """
        SELECT p.*, p.visibility_changed_at AS key FROM ozon.products p
        WHERE p.account = %(account)s AND p.removed_at IS NULL AND p.visibility = %(visibility)s""",
    "price": """
        SELECT p.*, coalesce(p.price, -1) AS key FROM ozon.products p
        WHERE p.account = %(account)s AND p.removed_at IS NULL""",
    "article": f"""
        SELECT p.*, {ARTICLE} AS key FROM ozon.products p
        WHERE p.account = %(account)s AND p.removed_at IS NULL""",
    "stock": """
        SELECT s.account, s.product_id, coalesce(s.available, -1) AS key FROM ozon.product_stock s
        WHERE s.account = %(account)s AND s.visibility = %(visibility)s""",
}
_BY_VISIBILITY = frozenset({"since", "stock"})

# The other conditions need the product; the offset keeps the planner from reading all of them.
_WITH_PRODUCT: LiteralString = """
SELECT w.key, p.* FROM ({walk}) w CROSS JOIN LATERAL (
    SELECT * FROM ozon.products p WHERE p.account = w.account AND p.product_id = w.product_id OFFSET 0
) p"""

_REASONS = """
SELECT DISTINCT reason FROM unnest(%(visibilities)s::text[]) AS asked (visibility), unnest(%(accounts)s::text[]) AS of,
LATERAL (
    SELECT hidden_reasons FROM ozon.products p
    WHERE p.account = of AND p.removed_at IS NULL AND p.visibility = asked.visibility
    ORDER BY p.visibility_changed_at DESC LIMIT 300
) recent, unnest(hidden_reasons) AS reason ORDER BY reason LIMIT 40
"""


@dataclass(frozen=True)
class Product:
    """A product as the list shows it; ``units`` are its available pieces, None while they are unknown."""

    account: str
    product_id: int
    offer_id: str
    sku: int | None
    name: str
    price: Decimal | None
    old_price: Decimal | None
    currency_code: str
    visibility: str
    visibility_changed_at: datetime
    hidden_reasons: Sequence[str]
    units: int | None

    @property
    def worth(self) -> Decimal | None:
        """The value of its stock at the current price; None while one of them is unknown."""
        return None if self.price is None or self.units is None else self.price * self.units

    @property
    def is_reduced(self) -> bool:
        return self.price is not None and self.old_price is not None and self.old_price > self.price


@dataclass(frozen=True)
class Count:
    """The number of hits; ``is_exact`` unless there are more."""

    number: int
    is_exact: bool


@dataclass(frozen=True)
class ProductPage:
    """One page of the list. ``following`` is the place where the next one begins, None at the end."""

    products: Sequence[Product]
    count: Count
    following: Place | None


def read_page(connection: Connection, search: Search, accounts: Sequence[str], now: datetime) -> ProductPage:
    """Return the page that begins after ``search.after``."""
    # Every query here has an index. Old statistics, as after a first load, would make the planner read whole tables.
    connection.execute("SET LOCAL enable_seqscan = off")
    filters = Filters(connection, search, accounts, now)
    few = _few(connection, filters)
    if few is None:
        places, following = _walk(connection, search, filters, accounts)
        count = _count(connection, search, filters, places, following)
    else:
        matching = _sorted(_hits(connection, search, filters, few), search)
        count = Count(len(matching), is_exact=True)
        rest = [each for each in matching if _is_after(each, search)]
        places, following = rest[:PAGE_SIZE], rest[PAGE_SIZE - 1] if len(rest) > PAGE_SIZE else None
    return ProductPage(_products(connection, places), count, following)


def read_reasons(connection: Connection, search: Search, accounts: Sequence[str]) -> list[str]:
    """Return reasons of the products that were hidden last, to choose from."""
    values = {"accounts": list(accounts), "visibilities": search.shown.visibilities}
    return [reason for (reason,) in connection.execute(_REASONS, values)]


def _few(connection: Connection, filters: Filters) -> list[tuple[str, int]] | None:
    """Return the products of a source that has few, None if all have many or there is none."""
    values = filters.values | {"limit": FEW + 1}
    for source in filters.sources():
        found: list[tuple[str, int]] = _execute(connection, source, values).fetchall()
        if len(found) <= FEW:
            return found
    return None


def _hits(connection: Connection, search: Search, filters: Filters, found: Sequence[tuple[str, int]]) -> list[Place]:
    query: LiteralString = _HITS.replace("{key}", KEYS[search.sort.column]).replace(
        "{conditions}", filters.conditions()
    )
    return [Place(*row) for row in _execute(connection, query, filters.values | _found(found))]


def _walk(
    connection: Connection, search: Search, filters: Filters, accounts: Sequence[str]
) -> tuple[list[Place], Place | None]:
    """Read the index of the order; return the page's places and where the next page begins."""
    branches = list(_branches(search, accounts))
    steps = max(MOST_STEPS // len(branches), PAGE_SIZE + 1)
    found: list[Place] = []
    ends: list[Place] = []
    for branch in branches:
        values = filters.values | branch | {"steps": steps, "limit": PAGE_SIZE + 1}
        walk = _branch_query(search, filters)
        hits = [Place(*row) for row in _execute(connection, _matching(search, filters, walk), values)]
        found += hits
        if len(hits) <= PAGE_SIZE and not _is_unfiltered(search, filters):
            end = _execute(connection, f"SELECT key, account, product_id FROM ({walk}) w OFFSET %(steps)s - 1", values)
            ends += [Place(*row) for row in end]
    places = _sorted(found, search)
    if ends:
        # Products behind the first end may have others before them that were not read.
        end = (max if search.sort.is_descending else min)(ends)
        places = [each for each in places if each == end or _is_before(each, end, search)]
        if len(places) <= PAGE_SIZE:
            return places, end
    return places[:PAGE_SIZE], places[PAGE_SIZE - 1] if len(places) > PAGE_SIZE else None


def _branches(search: Search, accounts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the values of each part of the index that is read in order."""
    for account in accounts:
        begin = _begin(search, account)
        if search.sort.column not in _BY_VISIBILITY:
            yield {"account": account, **begin}
            continue
        for visibility in search.shown.visibilities:
            yield {"account": account, "visibility": visibility, **begin}


def _begin(search: Search, account: str) -> dict[str, Any]:
    """Return key and id after which an account's part begins: among equal keys, the accounts follow each other."""
    if search.after is None:
        return {}
    is_whole = account < search.after.account if search.sort.is_descending else account > search.after.account
    is_over = not is_whole and account != search.after.account
    if not is_whole and not is_over:
        product_id = search.after.product_id
    else:
        product_id = MOST_ID if is_over != search.sort.is_descending else -1
    return {"key": search.after.key, "id": product_id}


def _branch_query(search: Search, filters: Filters) -> LiteralString:
    column = search.sort.column
    alias: LiteralString = "s" if column == "stock" else "p"
    direction: LiteralString = "DESC" if search.sort.is_descending else "ASC"
    query: LiteralString = _WALK[column]
    if column == "stock" and filters.available:
        query += f" AND {KEYS[column]} {filters.available}"
    if search.after:
        comparison: LiteralString = "<" if search.sort.is_descending else ">"
        query += f" AND ({KEYS[column]}, {alias}.product_id) {comparison} (%(key)s, %(id)s)"
    return query + f" ORDER BY {KEYS[column]} {direction}, {alias}.product_id {direction} LIMIT %(steps)s"


def _matching(search: Search, filters: Filters, walk: LiteralString) -> LiteralString:
    if _is_unfiltered(search, filters):
        return f"SELECT key, account, product_id FROM ({walk}) p LIMIT %(limit)s"
    inner: LiteralString = _WITH_PRODUCT.replace("{walk}", walk) if search.sort.column == "stock" else walk
    return f"SELECT key, account, product_id FROM ({inner}) p WHERE {_conditions(search, filters)} LIMIT %(limit)s"


def _is_unfiltered(search: Search, filters: Filters) -> bool:
    return _conditions(search, filters) == "true"


def _conditions(search: Search, filters: Filters) -> LiteralString:
    """Return the conditions that the part of the index does not already meet."""
    column = search.sort.column
    met = {"visibility": column in _BY_VISIBILITY, "stock": column == "stock"}
    return filters.conditions(without=[name for name, is_met in met.items() if is_met])


def _count(
    connection: Connection, search: Search, filters: Filters, places: Sequence[Place], following: Place | None
) -> Count:
    """Return how many there are, as far as that is known without reading all."""
    if following is None and search.after is None:
        return Count(len(places), is_exact=True)
    if len(filters.sources()) > 1:
        return Count(len(places), is_exact=False)
    if search.is_filtered:
        return Count(FEW, is_exact=False)
    query = "SELECT count(*) FROM (SELECT FROM ozon.product_stock WHERE account = ANY(%(accounts)s) LIMIT %(limit)s) s"
    row = _execute(connection, query, filters.values | {"limit": FEW + 1}).fetchone()
    number = row[0] if row else 0
    return Count(min(number, FEW), is_exact=number <= FEW)


def _products(connection: Connection, places: Sequence[Place]) -> list[Product]:
    cursor = connection.cursor(row_factory=class_row(Product))
    values = _found([(each.account, each.product_id) for each in places])
    by_id = {(each.account, each.product_id): each for each in cursor.execute(_PRODUCT, values)}
    return [by_id[each.account, each.product_id] for each in places]


def _found(products: Sequence[tuple[str, int]]) -> dict[str, Any]:
    return {
        "found_accounts": [account for account, _ in products],
        "found_ids": [product_id for _, product_id in products],
    }


def _execute(connection: Connection, query: LiteralString, values: dict[str, Any]) -> Any:
    # A prepared statement would get one plan for all values.
    return connection.execute(query, values, prepare=False)


def _sorted(places: list[Place], search: Search) -> list[Place]:
    # Python compares texts by code point, which is PostgreSQL's order "C" in UTF-8.
    return sorted(places, reverse=search.sort.is_descending)


def _is_after(place: Place, search: Search) -> bool:
    return search.after is None or _is_before(search.after, place, search)


def _is_before(first: Place, second: Place, search: Search) -> bool:
    return first > second if search.sort.is_descending else first < second
