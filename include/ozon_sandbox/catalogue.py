"""An account's products at any tick, by page, by filter, or by id.

Only the counts of the filters are cached: each answer is computed from the seed, the account, the size and the tick, a
chunk of products at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from include.ozon_sandbox import vocabulary
from include.ozon_sandbox.effects import Effect
from include.ozon_sandbox.filters import EVERY_FILTER, Filter
from include.ozon_sandbox.hashing import Ints
from include.ozon_sandbox.products import (
    FIRST_PRODUCT_ID,
    FIRST_SKU,
    PRODUCT_ID_STEP,
    SKU_STEP,
    Origin,
    Products,
)

_SMALLEST_CHUNK = 2_048
_LARGEST_CHUNK = 65_536


@dataclass(frozen=True)
class Catalogue:
    """The catalogue of ``origin`` at ``tick``, changed by ``effects``."""

    origin: Origin
    tick: int
    effects: tuple[Effect, ...] = ()

    @property
    def length(self) -> int:
        """The number of products so far, including gone ones."""
        return self.origin.length(self.tick)

    def products(self, indices: Ints) -> Products:
        return Products(self.origin, self.tick, self.effects, indices)

    def chunks(self, start: int = 0, size: int = _SMALLEST_CHUNK) -> Iterator[Products]:
        """Yield all products from ``start`` on, in chunks that double up to a bound."""
        while start < self.length:
            end = min(start + size, self.length)
            yield self.products(np.arange(start, end, dtype=np.int64))
            start, size = end, min(size * 2, _LARGEST_CHUNK)

    def page(self, wanted: Filter, start: int, limit: int) -> tuple[Products, int, bool]:
        """Return the first ``limit`` wanted products from index ``start`` on.

        Also return the index after them, and whether there are more wanted products from there on.
        """
        found = np.empty(0, dtype=np.int64)
        for chunk in self.chunks(start):
            hits = chunk.indices[wanted(chunk) & ~chunk.omitted_from_lists]
            found = np.concatenate([found, hits])
            if len(found) > limit:
                break
        has_more = len(found) > limit
        found = found[:limit]
        following = int(found[-1]) + 1 if len(found) else start
        return self.products(found), following, has_more

    def count(self, visibility: str) -> int:
        """Return the number of products of a visibility filter."""
        return _count(self, visibility)

    def by_product_id(self, product_ids: Iterable[int]) -> Products:
        ids = _unique(product_ids)
        products = self._at((ids - FIRST_PRODUCT_ID) // PRODUCT_ID_STEP)
        return self.products(products.indices[np.isin(products.product_ids, ids) & products.exist])

    def by_sku(self, skus: Iterable[int]) -> Products:
        ids = _unique(skus)
        products = self._at((ids - FIRST_SKU) // SKU_STEP)
        return self.products(products.indices[np.isin(products.skus, ids) & products.exist])

    def by_offer_id(self, offer_ids: Iterable[str]) -> Products:
        wanted = set(offer_ids)
        guesses = [guess for text in wanted if (guess := vocabulary.article_index(text)) is not None]
        products = self._at(_unique(guesses))
        matching = np.array([text in wanted for text in products.offer_ids], dtype=np.bool_)
        return self.products(products.indices[matching & products.exist])

    def _at(self, indices: Ints) -> Products:
        return self.products(np.unique(indices[(indices >= 0) & (indices < self.length)]))


def _unique(numbers: Iterable[int]) -> Ints:
    # Ozon's ids are far within these bounds; a larger number in a request finds nothing.
    return np.unique(np.array([n for n in numbers if 0 <= n < 1 << 62], dtype=np.int64))


@lru_cache(maxsize=256)
def _count(catalogue: Catalogue, visibility: str) -> int:
    wanted = EVERY_FILTER[visibility]
    return sum(int(wanted(chunk).sum()) for chunk in catalogue.chunks(size=_LARGEST_CHUNK))
