"""The conditions of a search in SQL: each as a condition on a product, and the sparse ones as a source of products.

The texts are constants; what a visitor has written is a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

from include.ozon.page.product_search import Price, Search, Shown, Stock
from include.ozon.warehouse.session import Connection

PRICE_CHANGED_WITHIN = timedelta(hours=24)

ARTICLE: LiteralString = """(left(ozon.folded(p.offer_id), 100) COLLATE "C")"""
"""An article as the index has it: without case, and cut so that none is too long for an index."""

_STARTS_SO: LiteralString = (
    ARTICLE
    + """ >= left(ozon.folded(%(q)s), 100) AND """
    + ARTICLE
    + """ < left(ozon.folded(%(q)s), 100) || chr(1114111)"""
)

_NUMBER: LiteralString = """
    p.product_id = %(number)s::bigint OR p.sku = %(number)s::bigint
    OR (cardinality(p.skus) > 1 AND p.skus @> ARRAY[%(number)s::bigint])
"""

_WORDS: LiteralString = """
    (SELECT ozon.words(w.name) @@ %(words)s::tsquery FROM ozon.product_names w
     WHERE w.account = p.account AND w.product_id = p.product_id)
"""

_STOCK: dict[Stock, LiteralString] = {
    Stock.IN_STOCK: "> 0",
    Stock.OUT_OF_STOCK: "= 0",
    Stock.UNKNOWN: "= -1",
}

_AVAILABLE: LiteralString = """
    (SELECT coalesce(s.available, -1) FROM ozon.product_stock s
     WHERE s.account = p.account AND s.product_id = p.product_id)
"""

_PRICE_CHANGED: LiteralString = """
    EXISTS (SELECT FROM ozon.product_price_history h
            WHERE h.account = p.account AND h.product_id = p.product_id AND h.valid_from > %(changed_since)s
              AND h.price <> h.previous_price)
"""

_FROM_PRODUCTS: LiteralString = """
SELECT p.account, p.product_id FROM ozon.products p
WHERE p.account = ANY(%(accounts)s) AND p.removed_at IS NULL AND """

# Begins with the numbers: the index of further SKUs needs a condition of its own.
_BY_NUMBER: tuple[LiteralString, ...] = (
    _FROM_PRODUCTS + "p.product_id = %(number)s::bigint",
    _FROM_PRODUCTS + "p.sku = %(number)s::bigint",
    _FROM_PRODUCTS + "cardinality(p.skus) > 1 AND p.skus @> ARRAY[%(number)s::bigint]",
)
_BY_ARTICLE: LiteralString = _FROM_PRODUCTS + _STARTS_SO
_BY_WORDS: LiteralString = """
SELECT w.account, w.product_id FROM ozon.product_names w
WHERE w.account = ANY(%(accounts)s) AND ozon.words(w.name) @@ %(words)s::tsquery"""
_BY_REASON: LiteralString = _FROM_PRODUCTS + "p.hidden_reasons @> ARRAY[%(reason)s]"
_BY_PRICE_CHANGE: LiteralString = """
SELECT h.account, h.product_id FROM ozon.product_price_history h
WHERE h.account = ANY(%(accounts)s) AND h.valid_from > %(changed_since)s AND h.price <> h.previous_price"""
_BY_STATE: LiteralString = """
SELECT s.account, s.product_id FROM ozon.product_stock s
WHERE s.account = ANY(%(accounts)s) AND s.visibility = ANY(%(visibilities)s)"""

# Each word of the text is the beginning of a word of the name; one letter is a word of its own.
_TSQUERY = """
SELECT coalesce(string_agg('''' || lexeme || CASE WHEN length(lexeme) > 1 THEN ''':*' ELSE '''' END, ' & '), '')
FROM unnest(ozon.words(%s))
"""


class Filters:
    """A search's conditions, with the values of their parameters."""

    def __init__(self, connection: Connection, search: Search, accounts: Sequence[str], now: datetime) -> None:
        row = connection.execute(_TSQUERY, (search.text,)).fetchone()
        words = row[0] if row else ""
        self._search = search
        self.values: dict[str, Any] = {
            "accounts": list(accounts),
            "q": search.text,
            "number": search.number,
            "words": words,
            "reason": search.reason,
            "visibilities": search.shown.visibilities,
            "changed_since": now - PRICE_CHANGED_WITHIN,
        }

    @property
    def available(self) -> LiteralString:
        """The condition on ``coalesce(available, -1)``, empty without a filter by stock."""
        return _STOCK.get(self._search.stock, "")

    def conditions(self, *, without: Sequence[str] = ()) -> LiteralString:
        """Return the condition on a product ``p``, without those on ``visibility`` or ``stock`` that hold anyway."""
        search = self._search
        found: list[LiteralString] = []
        if search.text:
            parts = [_STARTS_SO]
            if search.number is not None:
                parts.append(_NUMBER)
            if self.values["words"]:
                parts.append(_WORDS)
            found.append(" OR ".join(f"({part})" for part in parts))
        if search.shown is not Shown.ANY and "visibility" not in without:
            found.append("p.visibility = ANY(%(visibilities)s)")
        if search.reason:
            found.append("p.hidden_reasons @> ARRAY[%(reason)s]")
        if search.stock is not Stock.ANY and "stock" not in without:
            found.append(_AVAILABLE + self.available)
        if search.price is Price.CHANGED:
            found.append(_PRICE_CHANGED)
        return " AND ".join(f"({each})" for each in found) or "true"

    def sources(self) -> list[LiteralString]:
        """Return a query of (account, product_id) for each condition that an index answers, with ``%(limit)s``.

        The conditions together are met only by products of every source. The sparsest usually comes first.
        """
        search = self._search
        found: list[LiteralString] = []
        if search.text:
            parts: list[LiteralString] = [_BY_ARTICLE]
            if search.number is not None:
                parts.extend(_BY_NUMBER)
            if self.values["words"]:
                parts.append(_BY_WORDS)
            union = " UNION ".join(f"({part} LIMIT %(limit)s)" for part in parts)
            found.append(f"SELECT * FROM ({union}) found LIMIT %(limit)s")
        if search.price is Price.CHANGED:
            found.append(f"SELECT DISTINCT * FROM ({_BY_PRICE_CHANGE} LIMIT %(limit)s) changed")
        if search.reason:
            found.append(_BY_REASON + " LIMIT %(limit)s")
        if search.shown is not Shown.ANY or search.stock is not Stock.ANY:
            by_stock: LiteralString = f" AND coalesce(s.available, -1) {self.available}" if self.available else ""
            found.append(_BY_STATE + by_stock + " LIMIT %(limit)s")
        return found
