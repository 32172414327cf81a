"""Some products of a catalogue at one tick, as columns.

A column is computed at its first use: a filter over a million products needs only one or two columns. Money is in
hundredths of the product's currency, stock in pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property

import numpy as np

from include.ozon_sandbox import vocabulary
from include.ozon_sandbox.effects import Effect
from include.ozon_sandbox.hashing import Hashes, Ints, Mask, below, key_of, mix, unit
from include.ozon_sandbox.situations import (
    LIVES,
    SITUATION_AGES,
    SITUATIONS,
    SLOTS,
    TICKS_OF_A_LIFE,
    Code,
    Situation,
)

PRODUCT_ID_STEP = 211
SKU_STEP = 97
# Slightly below 2**31, so that even a small catalogue has ids that do not fit into a 32-bit column.
FIRST_PRODUCT_ID = 2_147_000_000
FIRST_SKU = 1_610_000_000
# Coprime to the number of slots: neighbours differ, and any 200 neighbours have all slots.
_SLOT_STRIDE = 67
_TICKS_OF_A_PRICE = 25
_TICKS_OF_A_STOCK = 10


class Storage(IntEnum):
    """The place of a product's pieces; seller warehouses are in the order of ``seller_warehouses``."""

    FBO = 0
    FBS_MAIN = 1
    FBS_SECOND = 2
    RFBS = 3
    FBP = 4


_LIES_IN_SHARES = np.array([[0.7], [0.65], [0.4], [0.15], [0.02]])


def _flags(field: str) -> Mask:
    return np.array([getattr(SITUATIONS[code], field) for code in Code])


def _visibilities(*words: str) -> Mask:
    return np.array([SITUATIONS[code].visibility in words for code in Code])


_HAS_SKU = _flags("has_sku")
_HAS_PRICE = _flags("has_price")
_SELLS_STOCK = _flags("sells_stock")
_KEEPS_STOCK = _flags("keeps_stock") | _SELLS_STOCK
_IS_VISIBLE = _visibilities("VISIBLE")
_IS_ARCHIVED = _visibilities("ARCHIVED")
_LIFE_STARTS = np.array([next(code for code in life if code != Code.GONE) for life in LIVES])


@dataclass(frozen=True)
class Origin:
    """The identity of a catalogue: the seed, the account's name, its size at tick 0, and its options.

    The options are those of ``config.Account``.
    """

    seed: int
    account: str
    size: int
    ticks_per_situation: int = 1
    currency: str | None = None
    tick_0_at: datetime | None = None

    @property
    def births(self) -> int:
        """The number of products that are added at once, every ``ticks_per_situation``."""
        return max(1, self.size // 400)

    def length(self, tick: int) -> int:
        """Return the number of products so far, including gone ones."""
        return self.size + tick // self.ticks_per_situation * self.births

    def key(self, purpose: str) -> int:
        return key_of(self.seed, self.account, purpose)


class Products:
    """The columns of the products at ``indices``; those that do not exist at this tick are ``GONE``."""

    def __init__(self, origin: Origin, tick: int, effects: tuple[Effect, ...], indices: Ints) -> None:
        self.origin = origin
        self.tick = tick
        self.effects = effects
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def hash(self, purpose: str, versions: Ints | int = 0) -> Hashes:
        """Return a constant number for each product, purpose and version."""
        return mix(self.origin.key(purpose), self.indices, versions)

    def chance(self, purpose: str, share: float) -> Mask:
        """Return the mask of a permanent trait of a share of the products."""
        return unit(self.hash(purpose)) < share

    @cached_property
    def product_ids(self) -> Ints:
        return FIRST_PRODUCT_ID + self.indices * PRODUCT_ID_STEP + below(self.hash("product_id"), PRODUCT_ID_STEP)

    @cached_property
    def sku_ever(self) -> Ints:
        """The SKU that the product has or will have."""
        return FIRST_SKU + self.indices * SKU_STEP + below(self.hash("sku"), SKU_STEP)

    @cached_property
    def skus(self) -> Ints:
        """0 for a product that was never on sale."""
        return np.where(_HAS_SKU[self.situations], self.sku_ever, 0)

    @cached_property
    def offer_ids(self) -> list[str]:
        patterns = below(self.hash("article"), SLOTS)
        return [vocabulary.article(*pair) for pair in zip(self.indices.tolist(), patterns.tolist(), strict=True)]

    @cached_property
    def names(self) -> list[str]:
        choices = self._name_choices.tolist()
        return [vocabulary.product_name(*pair) for pair in zip(self.indices.tolist(), choices, strict=True)]

    @cached_property
    def _name_choices(self) -> Ints:
        return below(self.hash("name"), 1 << 16)

    @cached_property
    def brands(self) -> Ints:
        """Positions in ``vocabulary.BRANDS``."""
        return vocabulary.brand_index(self._name_choices)

    @cached_property
    def born_at_tick(self) -> Ints:
        later = (self.indices - self.origin.size) // self.origin.births + 1
        return np.where(self.indices < self.origin.size, 0, later * self.origin.ticks_per_situation)

    @cached_property
    def slots(self) -> Ints:
        return (self.indices * _SLOT_STRIDE + self.origin.key("slot") % SLOTS) % SLOTS

    @cached_property
    def _lived_ticks(self) -> Ints:
        """The ticks of the product's life; in a calm account they differ, so that not all products change at once."""
        return self.tick + below(self.hash("pace"), self.origin.ticks_per_situation)

    @cached_property
    def _turn_of_life(self) -> Ints:
        return self._lived_ticks // self.origin.ticks_per_situation % TICKS_OF_A_LIFE

    @cached_property
    def situations(self) -> Ints:
        codes: Ints = LIVES[self.slots, self._turn_of_life].astype(np.int64)
        if self.tick == 0:
            # At tick 0 no product has vanished: the catalogue starts with exactly its size.
            codes = np.where(codes == Code.GONE, _LIFE_STARTS[self.slots], codes)
        codes = np.where((self.born_at_tick == self.tick) & (self.tick > 0), Code.VALIDATION_PENDING, codes)
        codes = np.where(self.born_at_tick > self.tick, Code.GONE, codes)
        for effect in self.effects:
            codes = effect.situations(self, codes)
        return codes

    def situation_at(self, row: int) -> Situation:
        return SITUATIONS[Code(int(self.situations[row]))]

    @cached_property
    def exist(self) -> Mask:
        exist: Mask = self.situations != Code.GONE
        return exist

    @cached_property
    def visible(self) -> Mask:
        return _IS_VISIBLE[self.situations]

    @cached_property
    def archived(self) -> Mask:
        return _IS_ARCHIVED[self.situations]

    @cached_property
    def omitted_from_lists(self) -> Mask:
        omitted = np.zeros(len(self), dtype=np.bool_)
        for effect in self.effects:
            omitted |= effect.omitted_from_lists(self.indices, self.product_ids)
        return omitted

    @cached_property
    def situation_since_tick(self) -> Ints:
        """The first tick of the present situation; the product's first tick if it never had another."""
        pace = self.origin.ticks_per_situation
        ages: Ints = SITUATION_AGES[self.slots, self._turn_of_life] * pace + self._lived_ticks % pace
        births = self.born_at_tick + ((self.born_at_tick > 0) & (self.born_at_tick < self.tick))
        since: Ints = np.maximum(self.tick - ages, births)
        return since

    @cached_property
    def currencies(self) -> Ints:
        """Positions in ``vocabulary.CURRENCIES``."""
        if self.origin.currency is not None:
            codes = [code for code, _ in vocabulary.CURRENCIES]
            return np.full(len(self), codes.index(self.origin.currency), dtype=np.int64)
        choices = below(self.hash("currency"), 100)
        return np.where(choices < 94, 0, choices - 93).clip(0, len(vocabulary.CURRENCIES) - 1)

    @cached_property
    def _price_version(self) -> Ints:
        return self._priced_ticks // (_TICKS_OF_A_PRICE * self.origin.ticks_per_situation)

    @cached_property
    def _priced_ticks(self) -> Ints:
        return self._lived_ticks + self.slots % _TICKS_OF_A_PRICE * self.origin.ticks_per_situation

    @cached_property
    def price_since_tick(self) -> Ints:
        age = self._priced_ticks % (_TICKS_OF_A_PRICE * self.origin.ticks_per_situation)
        return np.maximum(self.tick - age, self.born_at_tick)

    @cached_property
    def full_prices(self) -> Ints:
        """The prices before all effects; 0 if no price is set."""
        worth = 10 ** (2 + 2.3 * unit(self.hash("price")))
        drift = 0.8 + 0.4 * unit(self.hash("price drift", self._price_version))
        units = np.array([hundredths for _, hundredths in vocabulary.CURRENCIES])[self.currencies]
        whole = np.maximum(np.rint(worth * drift), 1) * units
        return np.where(_HAS_PRICE[self.situations], np.rint(whole).astype(np.int64), 0)

    @cached_property
    def prices(self) -> Ints:
        """0 if no price is set."""
        prices = self.full_prices
        for effect in self.effects:
            prices = effect.prices(self.indices, prices)
        return prices

    @cached_property
    def old_prices(self) -> Ints:
        """The price before the discount; 0 if there is none."""
        raised = (self.prices * 5 // 4 + 99) // 100 * 100
        old_prices = np.where(self.chance("old price", 0.6), raised, 0)
        for effect in self.effects:
            old_prices = effect.old_prices(self.indices, self.full_prices, old_prices)
        return old_prices

    @cached_property
    def _stock_version(self) -> Ints:
        return (self.tick + self.slots % _TICKS_OF_A_STOCK) // _TICKS_OF_A_STOCK

    @cached_property
    def stock_since_tick(self) -> Ints:
        age = (self.tick + self.slots % _TICKS_OF_A_STOCK) % _TICKS_OF_A_STOCK
        return np.maximum(self.tick - age, self.born_at_tick)

    def _storage_hashes(self, purpose: str, versions: Ints | int = 0) -> Hashes:
        return np.stack([self.hash(f"{purpose} {storage.name}", versions) for storage in Storage])

    @cached_property
    def listed_in(self) -> Mask:
        """The mask of storages in which Ozon lists the product, even with zero pieces; shape (storages, products).

        The rarer types appear and disappear with the stock; FBO and FBS are listed for every product with a SKU.
        """
        chances = unit(self._storage_hashes("lies in"))
        chances[Storage.RFBS] = unit(self.hash("lies in rfbs", self._stock_version))
        lies = chances < _LIES_IN_SHARES
        return lies & _HAS_SKU[self.situations]

    @cached_property
    def free(self) -> Ints:
        """Pieces that can be ordered, by storage."""
        hashes = self._storage_hashes("free", self._stock_version)
        pieces = np.where(self.listed_in & _KEEPS_STOCK[self.situations], below(hashes, 40), 0)
        # A product on sale has at least one piece; without any storage, it is in an FBO warehouse.
        lacking = _SELLS_STOCK[self.situations] & (pieces.sum(axis=0) == 0)
        pieces[Storage.FBO] += lacking
        for effect in self.effects:
            pieces = effect.free_stock(self.indices, pieces, self.listed_in & ~self.archived)
        return pieces

    @cached_property
    def reserved(self) -> Ints:
        """Pieces ordered and not yet shipped, by storage; sold-out products may have them too."""
        pieces = below(self._storage_hashes("reserved", self._stock_version), 6) - 2
        return np.where(self.listed_in & ~self.archived, pieces.clip(0), 0)

    @cached_property
    def has_stock(self) -> Mask:
        has_stock: Mask = self.free.sum(axis=0) > 0
        return has_stock
