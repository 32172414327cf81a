"""The catalogue: products as they are now, and their history."""

from __future__ import annotations

from include.ozon.marketplace.answers import ProductDetail, Statuses, VisibilityDetails, set_moment
from include.ozon.marketplace.visibility import NO_STATUSES, hidden_reasons, status_visibility
from include.ozon.warehouse.tables.column import ACCOUNT, CHANGED_BY, PRODUCT_ID, Column, Table

# If lists and details disagree: archived, then Ozon's VISIBLE list, then the statuses. Lists are ``l``; their values
# are null for a product that was requested by id.
_VISIBILITY = (
    "CASE WHEN s.visibility = 'ARCHIVED' THEN 'ARCHIVED' WHEN l.is_visible THEN 'VISIBLE' ELSE s.visibility END"
)
_HIDDEN_REASONS = "CASE WHEN l.is_visible AND s.visibility <> 'ARCHIVED' THEN ARRAY[]::text[] ELSE s.hidden_reasons END"

_NO_VISIBILITY_DETAILS = VisibilityDetails()


def _statuses(product: ProductDetail) -> Statuses:
    return product.statuses or NO_STATUSES


def _visibility_details(product: ProductDetail) -> VisibilityDetails:
    return product.visibility_details or _NO_VISIBILITY_DETAILS


PRODUCTS = Table(
    "products",
    "One row for each product that Ozon lists or has ever listed for an account, as it is now. A load writes only "
    "rows whose content differs from Ozon's; a product that Ozon no longer knows stays, with `removed_at` set, and "
    "must not be counted.",
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
            "The price before the discount, in `currency_code`, as Ozon sends it, even 0. Null where Ozon sends none.",
            lambda product: product.old_price,
        ),
        Column(
            "currency_code",
            "text",
            "The currency of both prices, for example RUB. Never add money of two currencies. Empty where Ozon "
            "sends none.",
            lambda product: product.currency_code or "",
        ),
        Column(
            "visibility",
            "text",
            "Whether customers can see it: VISIBLE, HIDDEN (known, not on sale), MODERATION (a check is pending), "
            "DECLINED (a check failed), ARCHIVED, or UNKNOWN (this version does not know Ozon's statuses).",
            status_visibility,
            merged=_VISIBILITY,
        ),
        Column(
            "ozon_status",
            "text",
            "Ozon's `status`, unchanged, for example price_sent.",
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
            "Why customers cannot see it, in Ozon's words. Empty where Ozon sends no reason, and for a visible "
            "product.",
            hidden_reasons,
            merged=_HIDDEN_REASONS,
        ),
        Column(
            "is_archived",
            "boolean",
            "Whether the product is archived, manually or by Ozon.",
            lambda product: bool(product.is_archived or product.is_autoarchived),
        ),
        Column(
            "has_price",
            "boolean",
            "Whether a price is set, according to Ozon.",
            lambda product: _visibility_details(product).has_price,
        ),
        Column(
            "has_stock",
            "boolean",
            "Whether there is stock, according to Ozon; the amounts are in `inventory`.",
            lambda product: _visibility_details(product).has_stock,
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
        Column("first_seen_at", "timestamptz", "When a load first found it; kept when a removed product returns."),
        Column("changed_at", "timestamptz", "When a load last changed anything in this row."),
        Column("visibility_changed_at", "timestamptz", "Since when it has its visibility, or since it returned."),
        Column(
            "removed_at",
            "timestamptz",
            "When a load found that Ozon no longer knows the product. Null while Ozon knows it.",
        ),
        CHANGED_BY,
        Column(
            "skus",
            "bigint[]",
            "All of the product's SKUs, `sku` first: it may have one for each sales scheme. Empty where it was "
            "never on sale.",
            lambda product: product.skus,
        ),
        Column(
            "has_fbo_stocks",
            "boolean",
            "Whether the product has FBO stock, according to the product list. Null where that is not known.",
            merged="l.has_fbo_stocks",
            keeps_known=True,
        ),
    ),
    key=("account", "product_id"),
)

PRODUCT_VISIBILITY_HISTORY = Table(
    "product_visibility_history",
    "One row for each period in which a product had one visibility. A load that finds another visibility ends the row "
    "and adds the next. The last row of a removed product is ended, and a product that returns gets a new one, so that "
    "the time of its removal is a gap. Rows that ended more than `maintenance.history_days` ago are deleted.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column("valid_from", "timestamptz", "The beginning of the period: the moment of the load that found it."),
        Column("visibility", "text", "As in `products`."),
        Column("previous_visibility", "text", "The visibility before, even before a removal. Null for a new product."),
        Column(
            "hidden_reasons", "text[]", "Ozon's reasons when the visibility changed; later ones are in `products` only."
        ),
        Column("valid_to", "timestamptz", "The end of the period, exclusive. Null for the current one."),
        Column("workflow_id", "text", "The workflow that found the visibility."),
    ),
)

PRODUCT_PRICE_HISTORY = Table(
    "product_price_history",
    "One row for each period in which a product had one price, with the price before the discount. A load that finds "
    "another price ends the row and adds the next. The last row of a removed product is ended, and a product that "
    "returns gets a new one. For a product that was loaded before this table existed, the first row begins when the "
    "product last changed. Rows that ended more than `maintenance.history_days` ago are deleted.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column("valid_from", "timestamptz", "The beginning of the period: the moment of the load that found it."),
        Column("price", "numeric", "The customers' price in the period. Null where no price was set."),
        Column("old_price", "numeric", "The price before the discount. Null where there was none."),
        Column("currency_code", "text", "The currency of both; empty where Ozon sent none."),
        Column("valid_to", "timestamptz", "The end of the period, exclusive. Null for the current one."),
        Column("workflow_id", "text", "The workflow that found the price."),
        Column(
            "previous_price",
            "numeric",
            "The price before. Null where there was none, for a new product and one that returns, and in rows that are "
            "older than this column.",
        ),
    ),
)

PRODUCT_NAMES = Table(
    "product_names",
    "The name of each listed product at the last measurement, indexed by its words for the page's search.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column("name", "text", "`products.name`; its words are `ozon.words(name)`."),
    ),
)
