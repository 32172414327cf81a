"""Products, their visibility's history, inventory, and the records of every run."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_PRODUCTS = """
CREATE TABLE ozon.products (
    account               text        NOT NULL,
    product_id            bigint      NOT NULL,
    offer_id              text        NOT NULL,
    sku                   bigint,
    name                  text        NOT NULL,
    price                 numeric,
    old_price             numeric,
    currency_code         text        NOT NULL,
    visibility            text        NOT NULL
        CHECK (visibility IN ('VISIBLE', 'HIDDEN', 'MODERATION', 'DECLINED', 'ARCHIVED', 'UNKNOWN')),
    ozon_status           text        NOT NULL,
    status_name           text        NOT NULL,
    hidden_reasons        text[]      NOT NULL,
    is_archived           boolean     NOT NULL,
    has_price             boolean     NOT NULL,
    has_stock             boolean     NOT NULL,
    ozon_created_at       timestamptz,
    ozon_updated_at       timestamptz,
    first_seen_at         timestamptz NOT NULL,
    changed_at            timestamptz NOT NULL,
    visibility_changed_at timestamptz NOT NULL,
    removed_at            timestamptz,
    workflow_id           text        NOT NULL,
    PRIMARY KEY (account, product_id)
);

CREATE TABLE ozon.product_visibility_history (
    account             text        NOT NULL,
    product_id          bigint      NOT NULL,
    valid_from          timestamptz NOT NULL,
    visibility          text        NOT NULL,
    previous_visibility text,
    hidden_reasons      text[]      NOT NULL,
    valid_to            timestamptz,
    workflow_id         text        NOT NULL,
    PRIMARY KEY (account, product_id, valid_from)
);
"""

_INVENTORY = """
CREATE TABLE ozon.inventory (
    account     text        NOT NULL,
    product_id  bigint      NOT NULL,
    stock_type  text        NOT NULL,
    sku         bigint      NOT NULL,
    offer_id    text        NOT NULL,
    present     bigint      NOT NULL,
    reserved    bigint      NOT NULL,
    available   bigint      GENERATED ALWAYS AS (present - reserved) STORED,
    changed_at  timestamptz NOT NULL,
    workflow_id text        NOT NULL,
    PRIMARY KEY (account, product_id, stock_type, sku)
);

CREATE TABLE ozon.inventory_history (
    account           text        NOT NULL,
    product_id        bigint      NOT NULL,
    stock_type        text        NOT NULL,
    sku               bigint      NOT NULL,
    changed_at        timestamptz NOT NULL,
    present           bigint      NOT NULL,
    reserved          bigint      NOT NULL,
    available         bigint      GENERATED ALWAYS AS (present - reserved) STORED,
    previous_present  bigint,
    previous_reserved bigint,
    workflow_id       text        NOT NULL,
    PRIMARY KEY (account, product_id, stock_type, sku, changed_at)
);

CREATE TABLE ozon.inventory_by_warehouse (
    account             text        NOT NULL,
    product_id          bigint      NOT NULL,
    warehouse_id        bigint      NOT NULL,
    stock_type          text        NOT NULL,
    warehouse_name      text        NOT NULL,
    present             bigint      NOT NULL,
    reserved            bigint      NOT NULL,
    available           bigint      GENERATED ALWAYS AS (present - reserved) STORED,
    average_daily_sales numeric,
    days_of_stock       numeric,
    fetched_at          timestamptz NOT NULL,
    PRIMARY KEY (account, product_id, warehouse_id, stock_type)
);

-- Which SKU's stock in Ozon's warehouses was asked for when: the longest unasked comes first.
CREATE TABLE ozon.fbo_stock_requests (
    account  text        NOT NULL,
    sku      bigint      NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (account, sku)
);
"""

_RECORDS = """
CREATE TABLE ozon.etl_workflow_executions (
    workflow_id          text        PRIMARY KEY,
    account              text        NOT NULL,
    dag_run_id           text        NOT NULL,
    trigger              text        NOT NULL,
    environment          text        NOT NULL,
    status               text        NOT NULL
        CHECK (status IN ('running', 'success', 'failed', 'skipped', 'cancelled')),
    started_at           timestamptz NOT NULL,
    finished_at          timestamptz,
    duration_seconds     double precision
        GENERATED ALWAYS AS (extract(epoch FROM finished_at - started_at)) STORED,
    product_etl_status   text,
    inventory_etl_status text,
    error                text,
    execution_details    jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX etl_workflow_executions_by_start ON ozon.etl_workflow_executions (account, started_at);
CREATE INDEX etl_workflow_executions_by_dag_run ON ozon.etl_workflow_executions (dag_run_id);

CREATE TABLE ozon.etl_component_executions (
    workflow_id       text        NOT NULL REFERENCES ozon.etl_workflow_executions ON DELETE CASCADE,
    component         text        NOT NULL CHECK (component IN ('product_etl', 'inventory_etl')),
    attempt           integer     NOT NULL,
    account           text        NOT NULL,
    status            text        NOT NULL
        CHECK (status IN ('running', 'success', 'failed', 'skipped', 'cancelled')),
    started_at        timestamptz NOT NULL,
    finished_at       timestamptz,
    duration_seconds  double precision
        GENERATED ALWAYS AS (extract(epoch FROM finished_at - started_at)) STORED,
    rows_read         bigint      NOT NULL DEFAULT 0,
    rows_inserted     bigint      NOT NULL DEFAULT 0,
    rows_updated      bigint      NOT NULL DEFAULT 0,
    rows_unchanged    bigint      NOT NULL DEFAULT 0,
    rows_removed      bigint      NOT NULL DEFAULT 0,
    rows_rejected     bigint      NOT NULL DEFAULT 0,
    rows_repeated     bigint      NOT NULL DEFAULT 0,
    api_requests      bigint      NOT NULL DEFAULT 0,
    api_retries       bigint      NOT NULL DEFAULT 0,
    api_wait_seconds  double precision NOT NULL DEFAULT 0,
    peak_memory_mb    double precision NOT NULL DEFAULT 0,
    visibility_counts jsonb,
    error             text,
    PRIMARY KEY (workflow_id, component, attempt)
);
CREATE INDEX etl_component_executions_by_start
    ON ozon.etl_component_executions (account, component, started_at);

CREATE TABLE ozon.rejected_items (
    workflow_id text    NOT NULL,
    component   text    NOT NULL,
    attempt     integer NOT NULL,
    n           integer NOT NULL,
    account     text    NOT NULL,
    reason      text    NOT NULL,
    payload     jsonb   NOT NULL,
    PRIMARY KEY (workflow_id, component, attempt, n),
    FOREIGN KEY (workflow_id, component, attempt) REFERENCES ozon.etl_component_executions ON DELETE CASCADE
);
"""

# Unlogged like the staging tables that it describes: after a crash of PostgreSQL both are empty, never one.
_STAGING = """
CREATE SCHEMA ozon_staging;

CREATE UNLOGGED TABLE ozon_staging.loads (
    account     text        NOT NULL,
    component   text        NOT NULL,
    workflow_id text        NOT NULL,
    started_at  timestamptz NOT NULL,
    PRIMARY KEY (account, component)
);
"""


def upgrade() -> None:
    for statements in (_PRODUCTS, _INVENTORY, _RECORDS, _STAGING):
        op.execute(statements)


def downgrade() -> None:
    op.execute("DROP SCHEMA ozon_staging CASCADE")
    for table in (
        "rejected_items",
        "etl_component_executions",
        "etl_workflow_executions",
        "fbo_stock_requests",
        "inventory_by_warehouse",
        "inventory_history",
        "inventory",
        "product_visibility_history",
        "products",
    ):
        op.execute(f"DROP TABLE ozon.{table}")
