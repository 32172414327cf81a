"""Search, filters and order of a million products: indexes, and two narrow tables that each measurement renews."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# PostgreSQL's own text search drops markup such as <b> and takes 350ml.ru for one word; pg_trgm is an extension, which
# a role may not be allowed to create. A word longer than 2046 bytes is an error, which 500 characters cannot reach.
_WORDS = r"""
CREATE FUNCTION ozon.folded(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT lower($1{collation}) $$;
CREATE FUNCTION ozon.words(text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT array_to_tsvector(string_to_array(btrim(regexp_replace(
    left(ozon.folded($1), 500), '[\s!-/:-@\[-`{-~«»„“”‘’–—…№×·•]+', ' ', 'g'
)), ' '))
$$;
"""

# Apart from products, so that no load writes their indexes.
_TABLES = """
CREATE TABLE ozon.product_stock (
    account    text   NOT NULL,
    product_id bigint NOT NULL,
    visibility text   NOT NULL,
    available  bigint,
    PRIMARY KEY (account, product_id)
);
CREATE TABLE ozon.product_names (
    account    text   NOT NULL,
    product_id bigint NOT NULL,
    name       text   NOT NULL,
    PRIMARY KEY (account, product_id)
);
INSERT INTO ozon.product_stock (account, product_id, visibility, available)
SELECT p.account, p.product_id, p.visibility, s.available
FROM ozon.products p
LEFT JOIN (
    SELECT account, product_id, sum(greatest(available, 0)) AS available
    FROM ozon.inventory
    GROUP BY account, product_id
) s USING (account, product_id)
WHERE p.removed_at IS NULL;
INSERT INTO ozon.product_names (account, product_id, name)
SELECT account, product_id, name FROM ozon.products WHERE removed_at IS NULL;
"""

_INDEXES = """
CREATE INDEX product_stock_by_visibility
    ON ozon.product_stock (account, visibility, (coalesce(available, -1)), product_id);
CREATE INDEX product_names_by_word ON ozon.product_names USING gin (ozon.words(name));
CREATE INDEX products_by_visibility ON ozon.products (account, visibility, visibility_changed_at, product_id)
    WHERE removed_at IS NULL;
CREATE INDEX products_by_price ON ozon.products (account, (coalesce(price, -1)), product_id)
    WHERE removed_at IS NULL;
CREATE INDEX products_by_article
    ON ozon.products (account, ("left"(ozon.folded(offer_id), 100)) COLLATE "C", product_id)
    WHERE removed_at IS NULL;
CREATE INDEX products_by_sku ON ozon.products (account, sku);
CREATE INDEX products_by_further_sku ON ozon.products USING gin (skus) WHERE cardinality(skus) > 1;
CREATE INDEX products_by_reason ON ozon.products USING gin (hidden_reasons) WHERE removed_at IS NULL;
CREATE INDEX product_visibility_history_by_end ON ozon.product_visibility_history (account, valid_to)
    WHERE visibility = 'VISIBLE' AND valid_to IS NOT NULL;
"""

# Changes before the day before yesterday are not asked for.
_PRICES = """
ALTER TABLE ozon.product_price_history ADD COLUMN previous_price numeric;
UPDATE ozon.product_price_history h SET previous_price = before.price
FROM ozon.product_price_history before
WHERE h.valid_from > now() - interval '2 days'
  AND before.account = h.account AND before.product_id = h.product_id AND before.valid_to = h.valid_from;
CREATE INDEX product_price_history_by_change
    ON ozon.product_price_history (account, valid_from) INCLUDE (product_id, price, previous_price)
    WHERE price <> previous_price;
"""

_BACK = """
DROP INDEX ozon.product_price_history_by_change, ozon.product_visibility_history_by_end, ozon.products_by_reason,
    ozon.products_by_further_sku, ozon.products_by_sku, ozon.products_by_article, ozon.products_by_price,
    ozon.products_by_visibility;
ALTER TABLE ozon.product_price_history DROP COLUMN previous_price;
DROP TABLE ozon.product_stock, ozon.product_names;
DROP FUNCTION ozon.words(text), ozon.folded(text);
"""


# In a database with the locale C, lower case is known for the alphabet of English only. The first is from PostgreSQL 17
# on, the second where the server was built with ICU.
_COLLATIONS = """
SELECT collname FROM pg_collation WHERE collname IN ('pg_c_utf8', 'und-x-icu') ORDER BY collname = 'und-x-icu' LIMIT 1
"""


def upgrade() -> None:
    found = op.get_bind().exec_driver_sql(_COLLATIONS).scalar()
    op.get_bind().exec_driver_sql(_WORDS.replace("{collation}", f' COLLATE "{found}"' if found else ""))
    for statements in (_TABLES, _INDEXES, _PRICES):
        op.execute(statements)


def downgrade() -> None:
    op.execute(_BACK)
