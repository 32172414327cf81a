"""Faults of the catalogue itself; all except ``omitted_from_lists`` change the truth too."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from include.ozon_sandbox import effects
from include.ozon_sandbox.effects import Effect
from include.ozon_sandbox.faults.base import Fault
from include.ozon_sandbox.situations import Code
from include.ozon_sandbox.vocabulary import BRANDS

Share = Annotated[float, Meta(gt=0, le=1)]


class _CatalogueFault(Fault, frozen=True):
    changes_catalogue: ClassVar[bool] = True


class EmptyCatalogue(_CatalogueFault, frozen=True):
    def effect(self) -> Effect:
        return effects.ChangeSituation(1.0, Code.GONE)


class HideShare(_CatalogueFault, frozen=True):
    """This share of the visible products is removed from sale, in the filter VISIBLE and in the details."""

    share: Share

    def effect(self) -> Effect:
        return effects.ChangeSituation(self.share, Code.REMOVED, only_visible=True)


class VanishShare(_CatalogueFault, frozen=True):
    """This share of the products is missing from all methods."""

    share: Share

    def effect(self) -> Effect:
        return effects.ChangeSituation(self.share, Code.GONE)


class UnknownStatus(_CatalogueFault, frozen=True):
    """This share of the products has unknown statuses."""

    share: Share

    def effect(self) -> Effect:
        return effects.ChangeSituation(self.share, Code.UNKNOWN_STATUS)


class ChangePrices(_CatalogueFault, frozen=True):
    """This share of the products costs ``factor`` times as much."""

    share: Share
    factor: Annotated[float, Meta(gt=0)] = 2.0

    def effect(self) -> Effect:
        return effects.ScalePrices(self.share, self.factor)


class OutOfStock(_CatalogueFault, frozen=True):
    """This share of the visible products is sold out; another ``choice`` concerns other products."""

    share: Share
    choice: Annotated[int, Meta(ge=0)] = 0

    def effect(self) -> Effect:
        return effects.ChangeSituation(self.share, Code.OUT_OF_STOCK, only_visible=True, choice=self.choice)


class DeclineBrand(_CatalogueFault, frozen=True):
    """All products of one brand that are not archived are declined by moderation."""

    brand: str

    def __post_init__(self) -> None:
        if self.brand not in BRANDS:
            raise ValueError(f"unknown brand {self.brand!r}; expected one of {', '.join(BRANDS)}")

    def effect(self) -> Effect:
        return effects.DeclineBrand(BRANDS.index(self.brand))


class Sale(_CatalogueFault, frozen=True):
    """The prices of this share of the products are lowered; the full price becomes the old price."""

    share: Share
    discount_pct: Annotated[float, Meta(gt=0, lt=100)] = 20.0

    def effect(self) -> Effect:
        return effects.Sale(self.share, self.discount_pct)


class NegativeStock(_CatalogueFault, frozen=True):
    """This share of the products has negative stock everywhere."""

    share: Share

    def effect(self) -> Effect:
        return effects.NegativeStock(self.share)


class OmittedFromLists(Fault, frozen=True):
    """These products exist and are counted, but are on no page, as if they moved while the list was read."""

    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    product_ids: tuple[int, ...] = ()

    def effect(self) -> Effect:
        return effects.OmitFromLists(self.share, self.product_ids)


KINDS: dict[str, type[Fault]] = {
    "empty_catalogue": EmptyCatalogue,
    "hide_share": HideShare,
    "vanish_share": VanishShare,
    "unknown_status": UnknownStatus,
    "change_prices": ChangePrices,
    "out_of_stock": OutOfStock,
    "decline_brand": DeclineBrand,
    "sale": Sale,
    "negative_stock": NegativeStock,
    "omitted_from_lists": OmittedFromLists,
}
