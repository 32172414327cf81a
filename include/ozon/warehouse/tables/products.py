"""The catalogue: products as they are now, and what they were."""

from __future__ import annotations

from include.ozon.marketplace.answers import ProductDetail, Statuses, VisibilityDetails, set_moment
from include.ozon.marketplace.visibility import NO_STATUSES, hidden_reasons, status_visibility
from include.ozon.warehouse.tables.column import ACCOUNT, CHANGED_BY, PRODUCT_ID, Column, Table

# Where lists and details disagree: archived, then Ozon's VISIBLE list, then the statuses. Lists are ``l``; what only
# they say is null for a product that was asked for by its id.
_VISIBILITY = (
    "CASE WHEN s.visibility = 'ARCHIVED' THEN 'ARCHIVED' WHEN l.is_visible THEN 'VISIBLE' ELSE s.visibility END"
)
_HIDDEN_REASONS = "CASE WHEN l.is_visible AND s.visibility <> 'ARCHIVED' THEN ARRAY[]::text[] ELSE s.hidden_reasons END"

_NO_VISIBILITY_DETAILS = VisibilityDetails()


def _statuses(product: ProductDetail) -> Statuses:
    return product.statuses or NO_STATUSES


def _says(product: ProductDetail) -> VisibilityDetails:
    return product.visibility_details or _NO_VISIBILITY_DETAILS


PRODUCTS = Table(
    "products",
    "One row for each product that Ozon lists or has ever listed for an account, as it is now. A load writes only "
    "rows whose content differs from Ozon's; a product that Ozon no longer knows stays, with `removed_at` set, and "
    "belongs in no count.",
    (
        ACCOUNT,
        Column("product_id", "bigint", f"{PRODUCT_ID.comment} Unique within an account.", lambda product: product.id),
        Column("offer_id", "text", "The seller's own article.", lambda product: product.offer_id or ""),
        Column(
            "sku",
            "bigint",
            "Ozon's id of what customers buy. Null while Ozon has given none.",
            merged="s.skus[1]",
        ),
        Column("name", "text", "The title; empty where Ozon sends none.", lambda product: product.name or ""),
        Column(
            "price",
            "numeric",
            "The current price, in `currency_code`. Null where the product has none.",
            lambda product: product.price,
        ),
        Column(
            "old_price",
            "numeric",
            "The price before the discount, in `currency_code`, as Ozon sends it, be it 0. Null where Ozon sends none.",
            lambda product: product.old_price,
        ),
        Column(
            "currency_code",
            "text",
            "The currency of both prices, such as RUB. Money of two currencies must not be added. Empty where Ozon "
            "sends none.",
            lambda product: product.currency_code or "",
        ),
        Column(
            "visibility",
            "text",
            "What customers can see: VISIBLE, HIDDEN (known, not on sale), MODERATION (a check is pending), "
            "DECLINED (a check failed), ARCHIVED, or UNKNOWN (Ozon's statuses are new to this version).",
            status_visibility,
            merged=_VISIBILITY,
        ),
        Column(
            "ozon_status",
            "text",
            "Ozon's `status` in its own words, such as price_sent.",
            lambda product: _statuses(product).status or "",
        ),
        Column(
            "status_name",
            "text",
            "Ozon's name of the status as Ozon Seller shows it.",
            lambda product: _statuses(product).status_name or "",
        ),
        Column(
            "hidden_reasons",
            "text[]",
            "Why customers cannot see it, in Ozon's words. Empty where Ozon gives no reason, and for a visible "
            "product.",
            hidden_reasons,
            merged=_HIDDEN_REASONS,
        ),
        Column(
            "is_archived",
            "boolean",
            "Whether the product is in the archive, put there by hand or by Ozon.",
            lambda product: bool(product.is_archived or product.is_autoarchived),
        ),
        Column(
            "has_price",
            "boolean",
            "Whether Ozon itself says that a price is set.",
            lambda product: _says(product).has_price,
        ),
        Column(
            "has_stock",
            "boolean",
            "Whether Ozon itself says that there is stock; the amounts are in `inventory`.",
            lambda product: _says(product).has_stock,
        ),
        Column(
            "ozon_created_at",
            "timestamptz",
            "When it was created at Ozon. Null where Ozon sends none.",
            lambda product: set_moment(product.created_at),
        ),
        Column(
            "ozon_updated_at",
            "timestamptz",
            "When it was last changed at Ozon. Null where Ozon sends none.",
            lambda product: set_moment(product.updated_at),
        ),
        Column("first_seen_at", "timestamptz", "When a load first brought it; kept when a removed product returns."),
        Column("changed_at", "timestamptz", "When a load last changed anything in this row."),
        Column("visibility_changed_at", "timestamptz", "Since when it has its visibility, or since it returned."),
        Column(
            "removed_at",
            "timestamptz",
            "When a load found that Ozon no longer knows the product. Null while Ozon does.",
        ),
        CHANGED_BY,
        Column(
            "skus",
            "bigint[]",
            "All of the product's SKUs, `sku` first: it may have one for each scheme of sale. Empty where it was "
            "never on sale.",
            lambda product: product.skus,
        ),
        Column(
            "has_fbo_stocks",
            "boolean",
            "Whether the product lies in Ozon's warehouses, by the product list. Null where that does not say.",
            merged="l.has_fbo_stocks",
            keeps_known=True,
        ),
    ),
    key=("account", "product_id"),
)

PRODUCT_VISIBILITY_HISTORY = Table(
    "product_visibility_history",
    "One row for each time that a product had one visibility. A load that finds another one ends the row and adds "
    "the next; a removed product's last row is ended, and a product that returns begins a new one, so that the time "
    "without any stays a gap. Rows that ended longer ago than `maintenance.history_days` are deleted.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column(
            "valid_from", "timestamptz", "From when on it had this visibility: the moment of the load that noticed."
        ),
        Column("visibility", "text", "As in `products`."),
        Column(
            "previous_visibility", "text", "What it was before, also before a time of removal. Null for a new product."
        ),
        Column(
            "hidden_reasons", "text[]", "Ozon's reasons when the visibility changed; later ones are in `products` only."
        ),
        Column("valid_to", "timestamptz", "Until when, the moment itself not included. Null while it lasts."),
        Column("workflow_id", "text", "The workflow that noticed the visibility."),
    ),
)

PRODUCT_PRICE_HISTORY = Table(
    "product_price_history",
    "One row for each time that a product had one price, with the price before the discount. A load that finds "
    "another one ends the row and adds the next; a removed product's last row is ended, and a product that returns "
    "begins a new one. A product that was loaded before there was this table begins when it last changed. Rows that "
    "ended longer ago than `maintenance.history_days` are deleted.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column("valid_from", "timestamptz", "From when on it had this price: the moment of the load that noticed."),
        Column("price", "numeric", "What customers paid from then on. Null where no price was set."),
        Column("old_price", "numeric", "The price before the discount. Null where there was none."),
        Column("currency_code", "text", "The currency of both; empty where Ozon sent none."),
        Column("valid_to", "timestamptz", "Until when, the moment itself not included. Null while it is current."),
        Column("workflow_id", "text", "The workflow that noticed the price."),
    ),
)
