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


@dataclass(frozen=True)
class QualityPartDefinition(Definition):
    """A part of the data quality, with its weight in the mean."""

    weight: int


VISIBILITIES: Mapping[Visibility, Definition] = {
    Visibility.VISIBLE: Definition(N_("Visible"), N_("Customers can see and buy the product.")),
    Visibility.HIDDEN: Definition(N_("Hidden"), N_("Ozon knows the product and does not sell it.")),
    Visibility.MODERATION: Definition(N_("In moderation"), N_("Ozon is checking the product.")),
    Visibility.DECLINED: Definition(N_("Declined"), N_("Ozon has checked the product and declined it.")),
    Visibility.ARCHIVED: Definition(N_("Archived"), N_("The seller or Ozon has put the product into the archive.")),
    Visibility.UNKNOWN: Definition(N_("Unknown"), N_("Ozon reports a status that this version does not know.")),
}


DEFINITIONS: Mapping[str, Definition] = {
    "products": Definition(
        N_("Products"),
        N_(
            "Products that Ozon lists, archived ones included. Shares are percentages of all of them. A product that "
            "Ozon no longer lists counts only as removed."
        ),
    ),
    "out_of_sight": Definition(
        N_("Out of sight"),
        N_(
            "Products that customers cannot see although they are not archived: hidden, in moderation, declined or "
            "unknown. Archiving is a decision of the seller or of Ozon, so archived stock is counted separately."
        ),
    ),
    "visible_points": Definition(
        N_("Change of the visible share"),
        N_(
            "In percentage points, compared with the last measurement, and with the latest ones that are at least a "
            "day and a week old."
        ),
    ),
    "turned_invisible": Definition(
        N_("Turned invisible"),
        N_(
            "Products that were visible at the beginning of the period and are now listed but not visible. Changes in "
            "between do not count, nor do products that were not in the catalogue at the beginning."
        ),
    ),
    "turned_invisible_lately": Definition(
        N_("Turned invisible since yesterday"),
        N_("Products that were visible within the period and are now listed but not visible."),
    ),
    "turned_visible": Definition(
        N_("Turned visible"),
        N_("Products that were in the catalogue but not visible at the beginning of the period and are visible now."),
    ),
    "removed": Definition(
        N_("Were visible, no longer listed by Ozon"),
        N_("Products that were visible at the beginning of the period and that Ozon no longer lists."),
    ),
    "in_stock": Definition(
        N_("In stock"),
        N_(
            "Products with at least one available piece: the sum of present minus reserved of each stock, each at "
            "least 0. Archived products do not count."
        ),
    ),
    "hidden_with_stock": Definition(
        N_("In stock, but out of sight"),
        N_("Products with at least one available piece that customers cannot see, without archived ones."),
    ),
    "hidden_units": Definition(
        N_("Pieces out of sight"), N_("Available pieces of the products that are in stock but out of sight.")
    ),
    "hidden_units_unpriced": Definition(
        N_("Pieces without a price"), N_("Pieces out of sight whose price is unknown; they are in no amount of money.")
    ),
    "archived_with_stock": Definition(
        N_("Archived, but in stock"), N_("Archived products with at least one available piece.")
    ),
    "hidden_money": Definition(
        N_("Value of stock out of sight"),
        N_(
            "Available pieces that customers cannot see, at the current price, for each currency separately. Pieces "
            "without a price are not in it."
        ),
    ),
    "visible_without_stock": Definition(
        N_("Visible, but out of stock"),
        N_(
            "Visible products whose stock is known and has no available piece. A product without loaded inventory does "
            "not count, but lowers the data quality."
        ),
    ),
    "lost_per_day": Definition(
        N_("Lost sales per day"),
        N_(
            "An estimate: Ozon's average daily sales at the current price, of products out of sight with stock and of "
            "visible products without stock. The sales are from the time when the product could be bought. Only "
            "products with known sales count."
        ),
    ),
    "known_sales": Definition(
        N_("Products with known sales"),
        N_(
            "The products that the estimate of lost sales counts. Only FBO warehouses report daily sales, and only if "
            "`inventory.ozon_warehouses` is on."
        ),
    ),
    "longest_hidden": Definition(
        N_("Out of sight the longest"),
        N_(
            "Products out of sight, the longest first. “Before” means that no other visibility is recorded: the real "
            "beginning is earlier than the moment."
        ),
    ),
    "top_reasons": Definition(
        N_("Reasons"),
        N_("Ozon's reasons for products out of sight, the most frequent first. A product can have several."),
    ),
    "price_changes": Definition(N_("Price changes"), N_("Products whose price changed within the last 24 hours.")),
    "quality": Definition(
        N_("Data quality"),
        N_(
            "The weighted mean of the parts below, from 0 to 100. A part without products to check has no weight. The "
            "weights follow from how much an error misleads."
        ),
    ),
}

QUALITY_PARTS: Mapping[str, QualityPartDefinition] = {
    "known_visibility": QualityPartDefinition(
        N_("Visibility is known"),
        N_("The share of the products whose visibility is not unknown."),
        25,
    ),
    "has_reason": QualityPartDefinition(
        N_("Hidden and declined products have a reason"),
        N_("The share of the hidden and declined products with a reason from Ozon."),
        15,
    ),
    "has_name": QualityPartDefinition(N_("Products have a name"), N_("The share of the products with a name."), 10),
    "has_price": QualityPartDefinition(
        N_("Products have a price (archived ones left out)"),
        N_("The share of the products with a price, without archived ones."),
        15,
    ),
    "has_inventory": QualityPartDefinition(
        N_("Products with a SKU have inventory (archived ones left out)"),
        N_("The share of the products with a SKU that have inventory, without archived ones."),
        15,
    ),
    "possible_stock": QualityPartDefinition(
        N_("No stock is below zero, and no more is reserved than present"),
        N_("The share of the products with inventory whose stock is possible."),
        5,
    ),
    "freshness": QualityPartDefinition(
        N_("Products were loaded lately"),
        N_(
            "100 while the last success of `product_etl` is younger than "
            "`components.product_etl.age_limit_hours.warning`, falling evenly to 0 at `.critical`."
        ),
        15,
    ),
}
"""The parts of the data quality."""


def visibility_title(visibility: Visibility | str) -> str:
    """Return the visibility's name in the current language."""
    return _(VISIBILITIES[Visibility(visibility)].title)
