"""Effects of faults on the catalogue; the base class ``Effect`` has none.

Effects are frozen and hashable: a catalogue with an effect is as reproducible as one without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.ozon_sandbox.hashing import Ints, Mask, chosen, key_of
from include.ozon_sandbox.situations import SITUATIONS, Code

_VISIBLE = [code for code, situation in SITUATIONS.items() if situation.visibility == "VISIBLE"]


@dataclass(frozen=True)
class Effect:
    """The base class; each method takes and returns one column for the products of ``indices``."""

    def situations(self, indices: Ints, codes: Ints) -> Ints:
        return codes

    def prices(self, indices: Ints, hundredths: Ints) -> Ints:
        return hundredths

    def free_stock(self, indices: Ints, pieces: Ints, listed: Mask) -> Ints:
        """Change the orderable ``pieces``; ``listed`` marks where a product is; shape (storages, products)."""
        return pieces

    def omitted_from_lists(self, indices: Ints, product_ids: Ints) -> Mask:
        """Return the mask of products that exist and are counted, but are on no page of a list."""
        return np.zeros(len(indices), dtype=np.bool_)


@dataclass(frozen=True)
class ChangeSituation(Effect):
    """Moves a share of the products, or of the visible ones, into another situation."""

    share: float
    situation: Code
    only_visible: bool = False

    def situations(self, indices: Ints, codes: Ints) -> Ints:
        concerned = np.isin(codes, _VISIBLE) if self.only_visible else codes != Code.GONE
        hit = concerned & chosen(key_of("situation", self.situation), indices, self.share)
        return np.where(hit, int(self.situation), codes)


@dataclass(frozen=True)
class ScalePrices(Effect):
    share: float
    factor: float

    def prices(self, indices: Ints, hundredths: Ints) -> Ints:
        hit = chosen(key_of("prices"), indices, self.share)
        scaled = np.maximum(np.rint(hundredths * self.factor).astype(np.int64), 1)
        return np.where(hit & (hundredths > 0), scaled, hundredths)


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
