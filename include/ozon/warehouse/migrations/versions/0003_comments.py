"""What each table and column means, where psql's ``\\d+`` and BI tools show it; docs/tables.md is made from it."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ACCOUNT = "The account, by its name in the configuration."
_PRODUCT_ID = "Ozon's id of the product."
_CHANGING_WORKFLOW = "The workflow that last changed the row; `etl_workflow_executions` tells about it."
_WRITING_WORKFLOW = "The workflow that wrote the row."
_STATUS = "running, success, failed, skipped (another run held the account) or cancelled."
_AVAILABLE = (
    "present - reserved. Below 0 only where Ozon reports an impossible stock; reports count that as 0. Never null."
)
_STOCK_TYPE = "Who keeps the goods and delivers: fbo (Ozon), fbs, rfbs (the seller), fbp (a partner)."

# By table: what it is, and what each of its columns means.
_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "products": (
        "One row for each product that Ozon lists or has ever listed for an account, as it is now. A load writes only "
        "rows whose content differs from Ozon's; a product that Ozon no longer knows stays, with `removed_at` set, and "
        "belongs in no count.",
        {
            "account": _ACCOUNT,
            "product_id": f"{_PRODUCT_ID} Unique within an account.",
            "offer_id": "The seller's own article.",
            "sku": "Ozon's id of what customers buy. Null while Ozon has given none.",
            "name": "The title; empty where Ozon sends none.",
            "price": "The current price, in `currency_code`. Null where the product has none.",
            "old_price": "The price before the discount, in `currency_code`, as Ozon sends it, be it 0. "
            "Null where Ozon sends none.",
            "currency_code": "The currency of both prices, such as RUB. Money of two currencies must not be added. "
            "Empty where Ozon sends none.",
            "visibility": "What customers can see: VISIBLE, HIDDEN (known, not on sale), MODERATION (a check is "
            "pending), DECLINED (a check failed), ARCHIVED, or UNKNOWN (Ozon's statuses are new to this version).",
            "ozon_status": "Ozon's `status` in its own words, such as price_sent.",
            "status_name": "Ozon's name of the status as the seller's cabinet shows it.",
            "hidden_reasons": "Why customers cannot see it, in Ozon's words. Empty where Ozon gives no reason, and for "
            "a visible product.",
            "is_archived": "Whether the product is in the archive, put there by hand or by Ozon.",
            "has_price": "Whether Ozon itself says that a price is set.",
            "has_stock": "Whether Ozon itself says that there is stock; the amounts are in `inventory`.",
            "ozon_created_at": "When it was created at Ozon. Null where Ozon sends none.",
            "ozon_updated_at": "When it was last changed at Ozon. Null where Ozon sends none.",
            "first_seen_at": "When a load first brought it; kept when a removed product returns.",
            "changed_at": "When a load last changed anything in this row.",
            "visibility_changed_at": "Since when it has its visibility, or since it returned.",
            "removed_at": "When a load found that Ozon no longer knows the product. Null while Ozon does.",
            "workflow_id": _CHANGING_WORKFLOW,
        },
    ),
    "product_visibility_history": (
        "One row for each time that a product had one visibility. A load that finds another one ends the row and adds "
        "the next; a removed product's last row is ended, and a product that returns begins a new one, so that the "
        "time without any stays a gap. Rows that ended longer ago than `maintenance.history_days` are deleted.",
        {
            "account": _ACCOUNT,
            "product_id": _PRODUCT_ID,
            "valid_from": "From when on it had this visibility: the moment of the load that noticed.",
            "visibility": "As in `products`.",
            "previous_visibility": "What it was before, also before a time of removal. Null for a new product.",
            "hidden_reasons": "Ozon's reasons when the visibility changed; later ones are in `products` only.",
            "valid_to": "Until when, the moment itself not included. Null while it lasts.",
            "workflow_id": "The workflow that noticed the visibility.",
        },
    ),
    "inventory": (
        "One row for each stock of a product by type and SKU, as it is now, zeros and archived products included. A "
        "load writes only what differs; a stock that Ozon no longer lists goes to zero and stays. That a product has "
        "no row means that its stock is not known, which is not the same as none.",
        {
            "account": _ACCOUNT,
            "product_id": _PRODUCT_ID,
            "stock_type": _STOCK_TYPE,
            "sku": "Ozon's id of what customers buy; 0 where Ozon sends none.",
            "offer_id": "The seller's own article.",
            "present": "Pieces that are there, the reserved ones included.",
            "reserved": "Pieces of these that are in orders.",
            "available": _AVAILABLE,
            "changed_at": "When a load last changed the row.",
            "workflow_id": _CHANGING_WORKFLOW,
        },
    ),
    "inventory_history": (
        "One row for each change of a stock in `inventory`, the first sight of it included. Rows are never changed; "
        "those of a stock that has newer ones are deleted `maintenance.history_days` later.",
        {
            "account": _ACCOUNT,
            "product_id": _PRODUCT_ID,
            "stock_type": _STOCK_TYPE,
            "sku": "Ozon's id of what customers buy; 0 where Ozon sends none.",
            "changed_at": "The moment of the load that noticed the change.",
            "present": "Pieces that were there from then on, the reserved ones included.",
            "reserved": "Pieces of these that were in orders.",
            "available": _AVAILABLE,
            "previous_present": "`present` before the change. Null at the first sight of the stock.",
            "previous_reserved": "`reserved` before the change. Null at the first sight of the stock.",
            "workflow_id": _WRITING_WORKFLOW,
        },
    ),
    "inventory_by_warehouse": (
        "One row for each product in each warehouse, as it is now. The seller's own warehouses are read by each load, "
        "and rows written where they differ. Ozon's (fbo) can be asked for slowly only, so that one load may refresh "
        "a part of them: `fetched_at` tells how old a row is. Sums differ from `inventory` for that reason. A stock "
        "that is no longer there goes to zero.",
        {
            "account": _ACCOUNT,
            "product_id": _PRODUCT_ID,
            "warehouse_id": "Ozon's id of the warehouse.",
            "stock_type": "fbo (Ozon's warehouse), fbs or rfbs (the seller's).",
            "warehouse_name": "The warehouse's name; empty where Ozon sends none.",
            "present": "Pieces that are there; in Ozon's warehouses those that can be sold.",
            "reserved": "Pieces of these that are in orders; always 0 in Ozon's warehouses.",
            "available": _AVAILABLE,
            "average_daily_sales": "Pieces sold a day on average over 28 days, from this warehouse. Null in the "
            "seller's warehouses and where Ozon does not tell.",
            "days_of_stock": "For how many days Ozon expects the stock to last. Null in the seller's warehouses and "
            "where Ozon does not tell.",
            "fetched_at": "fbo: when Ozon was asked. Else: when a load last changed the row.",
        },
    ),
    "fbo_stock_requests": (
        "Of the load itself: one row for each SKU whose stock in Ozon's warehouses was asked for. The longest unasked "
        "comes first.",
        {
            "account": _ACCOUNT,
            "sku": "Ozon's id of what customers buy.",
            "asked_at": "When it was last asked for.",
        },
    ),
    "etl_workflow_executions": (
        "One row for each run of `ozon_etl` and account. Written when it begins and when it ends; deleted "
        "`maintenance.records_days` later, but for an account's last ones. A dry run leaves none.",
        {
            "workflow_id": "`<dag_run_id>/<account>`.",
            "account": _ACCOUNT,
            "dag_run_id": "Airflow's id of the run.",
            "trigger": "How it was started, in Airflow's words, such as scheduled or manual.",
            "environment": "development, testing or production.",
            "status": f"{_STATUS} Success means that products and inventory were both loaded.",
            "started_at": "When its first component began.",
            "finished_at": "When it was closed. Null while it runs.",
            "duration_seconds": "From start to end, waits between retries included. Null while it runs.",
            "product_etl_status": "The status of the last attempt of product_etl. Null where it was never begun.",
            "inventory_etl_status": "The status of the last attempt of inventory_etl. Null where it was never begun.",
            "error": "What went wrong, in sentences. Null where nothing did.",
            "execution_details": "Further figures by component, such as guards that fired or were accepted.",
        },
    ),
    "etl_component_executions": (
        "One row for each attempt of a component: a retry is a row of its own. Written when it begins and when it "
        "ends, deleted with its workflow. rows_read = rows_inserted + rows_updated + rows_unchanged + rows_rejected "
        "for an attempt that succeeded; a failed one has changed nothing.",
        {
            "workflow_id": "The workflow that the attempt belongs to.",
            "component": "product_etl (rows are products) or inventory_etl (rows are those of `inventory`).",
            "attempt": "Counted from 1 within workflow and component.",
            "account": _ACCOUNT,
            "status": _STATUS,
            "started_at": "When the attempt began. A load is the newest success.",
            "finished_at": "When it ended. Null while it runs.",
            "duration_seconds": "From start to end. Null while it runs.",
            "rows_read": "Distinct entries that Ozon sent.",
            "rows_inserted": "New ones of these.",
            "rows_updated": "Those that differed from the warehouse.",
            "rows_unchanged": "Those that did not, and were not written.",
            "rows_removed": "Known before and no longer at Ozon; not part of `rows_read`.",
            "rows_rejected": "Entries that could not be loaded: `rejected_items` has them.",
            "rows_repeated": "Entries that came again on another page; not part of `rows_read`.",
            "api_requests": "Requests to the Seller API.",
            "api_retries": "Requests of these that repeated a failed one.",
            "api_wait_seconds": "Seconds spent waiting for the API's limits.",
            "peak_memory_mb": "The most memory of the process, in MB.",
            "visibility_counts": "Products by visibility, of product_etl. Null else.",
            "error": "What went wrong, in a sentence. Null where nothing did.",
            "api_rate_limited": "Requests that Ozon refused as too many (429).",
        },
    ),
    "rejected_items": (
        "One row for each entry of Ozon's that could not be loaded, also of an attempt that failed. A rejected product "
        "keeps the state that it had. Deleted after `maintenance.rejected_items_days`.",
        {
            "workflow_id": "The workflow that met it.",
            "component": "product_etl or inventory_etl.",
            "attempt": "The attempt that met it.",
            "n": "Counted within the attempt.",
            "account": _ACCOUNT,
            "reason": "The field, what was expected and what was found.",
            "payload": "What Ozon sent.",
        },
    ),
    "visibility_metrics": (
        "One row for each measurement of an account: after each load and once a day. Rows are never changed; they are "
        "deleted after `maintenance.metrics_days`. Removed products are in no number.",
        {
            "account": _ACCOUNT,
            "measured_at": "When it was measured.",
            "workflow_id": "The workflow that brought the products measured. Null where no load is recorded.",
            "products": "Products, the archived ones included.",
            "visible": "Products that customers can see.",
            "hidden": "Products that are HIDDEN.",
            "moderation": "Products in MODERATION.",
            "declined": "Products that are DECLINED.",
            "archived": "Products that are ARCHIVED.",
            "unknown": "Products whose visibility is UNKNOWN.",
            "visible_pct": "`visible` in per cent of `products`. Null where there are none.",
            "hidden_pct": "`hidden` in per cent of `products`. Null where there are none.",
            "moderation_pct": "`moderation` in per cent of `products`. Null where there are none.",
            "declined_pct": "`declined` in per cent of `products`. Null where there are none.",
            "archived_pct": "`archived` in per cent of `products`. Null where there are none.",
            "unknown_pct": "`unknown` in per cent of `products`. Null where there are none.",
            "coverage_pct": "The share of products whose visibility is not UNKNOWN, in per cent. Null where there "
            "are none.",
            "turned_visible": "Products that turned visible since the measurement before.",
            "turned_invisible": "Products that turned invisible since then; removed ones are not counted.",
            "visible_without_stock": "Visible products whose stock is known and used up.",
            "hidden_with_stock": "Products with stock that customers cannot see, the archived ones left out.",
            "quality_score": "How far the data can be trusted, from 0 to 100. Null where there are no products.",
            "quality_parts": "The parts of the score: a list with name, weight, value, good and total of each.",
            "impact": "By currency: the worth of stock that nobody sees (hidden_money) and what is not earned a day "
            "(lost_per_day), with the numbers of products behind them.",
        },
    ),
    "health_checks": (
        "One row for each check of a health check's run, for each account or for all. Rows are never changed; they are "
        "deleted after `maintenance.health_checks_days`.",
        {
            "measured_at": "When the run of checks was summed up; the same for all of its rows.",
            "component": "The group of the check, such as warehouse, data or api.",
            "check": "The rule that judged, by its name in the configuration.",
            "account": f"{_ACCOUNT} Null for what concerns all.",
            "status": "ok, warning, critical, or unknown: could not be measured, which is neither good nor bad.",
            "value": "What was measured, in the unit that the rule's name ends with. Null where there is no number.",
            "threshold": "The limit that was crossed, or the nearest one. Null where the rule has none.",
            "message": "The finding, in a sentence.",
            "duration_seconds": "How long the check took.",
        },
    ),
    "alerts": (
        "One row for each alert: something that is or was not as it should be. A row changes while its alert is open; "
        "deleted `maintenance.alerts_days` after its recovery.",
        {
            "alert_id": "What `ozon alerts ack` takes.",
            "rule": "The rule that was violated, by its name in the configuration.",
            "account": f"{_ACCOUNT} Null for what concerns all.",
            "subject": "What tells alerts of one rule apart where the account does not: a DAG, a task, a channel. "
            "Else empty.",
            "level": "warning or critical, as it was last seen.",
            "opened_at": "When it was first seen.",
            "last_seen_at": "When it was last seen.",
            "last_sent_at": "When it was last told to anybody. Null where it never was.",
            "sent_count": "In how many messages it was told.",
            "sent_level": "The level at which it was last told. Null where it never was.",
            "acknowledged_at": "When somebody silenced it. Null where nobody did.",
            "recovered_at": "When it was over. Null while it is open.",
            "suppressed_by": "The rule of which it is a mere consequence, so that it is not told. Null where it is "
            "told by itself.",
            "is_event": "Whether it happened once, such as a failed task, and has no state to recover from.",
            "pending_channels": "Channels that could not yet deliver the last message.",
            "value": "What was measured. Null where there is no number.",
            "threshold": "The limit that was crossed. Null where the rule has none.",
            "message": "What is wrong, in a sentence.",
        },
    ),
    "alembic_version": (
        "One row: the revision of the schema, written by `ozon db upgrade` and `ozon db downgrade`.",
        {"version_num": "The revision."},
    ),
}


def upgrade() -> None:
    for table, (meaning, columns) in _COMMENTS.items():
        op.execute(f"COMMENT ON TABLE ozon.{table} IS '{_quoted(meaning)}'")
        for column, text in columns.items():
            op.execute(f"COMMENT ON COLUMN ozon.{table}.\"{column}\" IS '{_quoted(text)}'")


def downgrade() -> None:
    for table, (_, columns) in _COMMENTS.items():
        op.execute(f"COMMENT ON TABLE ozon.{table} IS NULL")
        for column in columns:
            op.execute(f'COMMENT ON COLUMN ozon.{table}."{column}" IS NULL')


def _quoted(text: str) -> str:
    return text.replace("'", "''")
