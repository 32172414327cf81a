"""The names and definitions of the numbers, for the page's tooltips, the report and docs/visibility-report.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from include.ozon.marketplace.visibility import Visibility
from include.ozon.translation import N_
from include.ozon.translation import gettext as _


@dataclass(frozen=True)
class Definition:
    """A number's title and meaning, in English; shown in the current language."""

    title: str
    meaning: str


VISIBILITIES: Mapping[Visibility, Definition] = {
    Visibility.VISIBLE: Definition(N_("Visible"), N_("Customers can see and buy the product.")),
    Visibility.HIDDEN: Definition(N_("Hidden"), N_("Ozon knows the product and does not sell it.")),
    Visibility.MODERATION: Definition(N_("In moderation"), N_("Ozon is checking the product.")),
    Visibility.DECLINED: Definition(N_("Declined"), N_("Ozon has checked the product and declined it.")),
    Visibility.ARCHIVED: Definition(N_("Archived"), N_("The seller or Ozon has put the product into the archive.")),
    Visibility.UNKNOWN: Definition(N_("Unknown"), N_("Ozon reports a status that this version does not know.")),
}


DEFINITIONS: Mapping[str, Definition] = {
    "products": Definition(N_("Products"), N_("Products that Ozon lists, archived ones included.")),
    "out_of_sight": Definition(
        N_("Out of sight"),
        N_(
            "Products that customers cannot see although they are not archived: hidden, in moderation, declined or "
            "unknown."
        ),
    ),
    "turned_invisible": Definition(
        N_("Turned invisible"),
        N_("Products that were visible within the period and are now listed but not visible."),
    ),
    "hidden_with_stock": Definition(
        N_("In stock, but out of sight"),
        N_("Products with at least one available piece that customers cannot see, without archived ones."),
    ),
    "hidden_money": Definition(
        N_("Value of stock out of sight"), N_("Available pieces that customers cannot see, at the current price.")
    ),
    "visible_without_stock": Definition(
        N_("Visible, but out of stock"), N_("Visible products whose stock is known and has no available piece.")
    ),
    "lost_per_day": Definition(
        N_("Lost sales per day"),
        N_(
            "An estimate: Ozon's average daily sales at the current price, of products out of sight with stock and of "
            "visible products without stock. Only products with known sales count."
        ),
    ),
    "price_changes": Definition(N_("Price changes"), N_("Products whose price changed within the last 24 hours.")),
}


def visibility_title(visibility: Visibility | str) -> str:
    """Return the visibility's name in the current language."""
    return _(VISIBILITIES[Visibility(visibility)].title)
