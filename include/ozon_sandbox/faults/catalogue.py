"""Faults of the catalogue itself; but for ``omitted_from_lists`` the truth changes with them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from include.ozon_sandbox import effects
from include.ozon_sandbox.effects import Effect
from include.ozon_sandbox.faults.base import Fault
from include.ozon_sandbox.situations import Code

Share = Annotated[float, Meta(gt=0, le=1)]


class _CatalogueFault(Fault, frozen=True):
    changes_catalogue: ClassVar[bool] = True


class EmptyCatalogue(_CatalogueFault, frozen=True):
    def effect(self) -> Effect:
        return effects.ChangeSituation(1.0, Code.GONE)


class HideShare(_CatalogueFault, frozen=True):
    """This share of the visible products is taken from sale; the filter VISIBLE and the details say so."""

    share: Share

    def effect(self) -> Effect:
        return effects.ChangeSituation(self.share, Code.REMOVED, only_visible=True)


class VanishShare(_CatalogueFault, frozen=True):
    """This share of the products is no longer there in any method."""

    share: Share

    def effect(self) -> Effect:
        return effects.ChangeSituation(self.share, Code.GONE)


class UnknownStatus(_CatalogueFault, frozen=True):
    """This share of the products has statuses that nobody has heard of."""

    share: Share

    def effect(self) -> Effect:
        return effects.ChangeSituation(self.share, Code.UNHEARD_OF)


class ChangePrices(_CatalogueFault, frozen=True):
    """This share of the products costs ``factor`` times as much."""

    share: Share
    factor: Annotated[float, Meta(gt=0)] = 2.0

    def effect(self) -> Effect:
        return effects.ScalePrices(self.share, self.factor)


class NegativeStock(_CatalogueFault, frozen=True):
    """This share of the products has less than no pieces wherever it lies."""

    share: Share

    def effect(self) -> Effect:
        return effects.NegativeStock(self.share)


class OmittedFromLists(Fault, frozen=True):
    """These products exist and are counted, but stand on no page: they moved while the list was read."""

    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    product_ids: tuple[int, ...] = ()

    def effect(self) -> Effect:
        return effects.SlipThroughLists(self.share, self.product_ids)


KINDS: dict[str, type[Fault]] = {
    "empty_catalogue": EmptyCatalogue,
    "hide_share": HideShare,
    "vanish_share": VanishShare,
    "unknown_status": UnknownStatus,
    "change_prices": ChangePrices,
    "negative_stock": NegativeStock,
    "omitted_from_lists": OmittedFromLists,
}
