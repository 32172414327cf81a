"""Effects of faults on the catalogue; the base class ``Effect`` has none.

Effects are frozen and hashable: a catalogue with an effect is as reproducible as one without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.ozon_sandbox.hashing import Ints, Mask, chosen, key_of
from include.ozon_sandbox.situations import SITUATIONS, Code

if TYPE_CHECKING:
    from include.ozon_sandbox.products import Products

_VISIBLE = [code for code, situation in SITUATIONS.items() if situation.visibility == "VISIBLE"]
_ARCHIVED = [code for code, situation in SITUATIONS.items() if situation.visibility == "ARCHIVED"]


@dataclass(frozen=True)
class Effect:
    """The base class; each method takes and returns one column for the products, or those of ``indices``."""

    def situations(self, products: Products, codes: Ints) -> Ints:
        return codes

    def prices(self, indices: Ints, hundredths: Ints) -> Ints:
        return hundredths

    def old_prices(self, indices: Ints, full_prices: Ints, hundredths: Ints) -> Ints:
        return hundredths

    def free_stock(self, indices: Ints, pieces: Ints, listed: Mask) -> Ints:
        """Change the orderable ``pieces``; ``listed`` marks where a product is; shape (storages, products)."""
        return pieces

    def omitted_from_lists(self, indices: Ints, product_ids: Ints) -> Mask:
        """Return the mask of products that exist and are counted, but are on no page of a list."""
        return np.zeros(len(indices), dtype=np.bool_)


@dataclass(frozen=True)
class ChangeSituation(Effect):
    """Moves a share of the products, or of the visible ones, into another situation.

    Another ``choice`` concerns other products.
    """

    share: float
    situation: Code
    only_visible: bool = False
    choice: int = 0

    def situations(self, products: Products, codes: Ints) -> Ints:
        concerned = np.isin(codes, _VISIBLE) if self.only_visible else codes != Code.GONE
        key = key_of("situation", self.situation, *([self.choice] if self.choice else []))
        hit = concerned & chosen(key, products.indices, self.share)
        return np.where(hit, int(self.situation), codes)


@dataclass(frozen=True)
class DeclineBrand(Effect):
    """Declines all products of one brand that are not archived; ``brand`` is a position in ``vocabulary.BRANDS``."""

    brand: int

    def situations(self, products: Products, codes: Ints) -> Ints:
        concerned = ~np.isin(codes, [*_ARCHIVED, Code.GONE])
        return np.where(concerned & (products.brands == self.brand), int(Code.MODERATION_DECLINED), codes)


@dataclass(frozen=True)
class ScalePrices(Effect):
    share: float
    factor: float

    def prices(self, indices: Ints, hundredths: Ints) -> Ints:
        hit = chosen(key_of("prices"), indices, self.share)
        scaled = np.maximum(np.rint(hundredths * self.factor).astype(np.int64), 1)
        return np.where(hit & (hundredths > 0), scaled, hundredths)


@dataclass(frozen=True)
class Sale(Effect):
    """Lowers the prices of a share of the products; the full price becomes the old price."""

    share: float
    discount_pct: float

    def _hit(self, indices: Ints) -> Mask:
        return chosen(key_of("sale"), indices, self.share)

    def prices(self, indices: Ints, hundredths: Ints) -> Ints:
        lowered = np.maximum(np.rint(hundredths * (1 - self.discount_pct / 100)).astype(np.int64), 1)
        return np.where(self._hit(indices) & (hundredths > 0), lowered, hundredths)

    def old_prices(self, indices: Ints, full_prices: Ints, hundredths: Ints) -> Ints:
        return np.where(self._hit(indices), full_prices, hundredths)


@dataclass(frozen=True)
class NegativeStock(Effect):
    share: float

    def free_stock(self, indices: Ints, pieces: Ints, listed: Mask) -> Ints:
        hit = listed & chosen(key_of("stock"), indices, self.share)
        return np.where(hit, -7 - np.abs(pieces), pieces)


@dataclass(frozen=True)
class OmitFromLists(Effect):
    share: float
    product_ids: tuple[int, ...]

    def omitted_from_lists(self, indices: Ints, product_ids: Ints) -> Mask:
        return chosen(key_of("lists"), indices, self.share) | np.isin(product_ids, self.product_ids)
