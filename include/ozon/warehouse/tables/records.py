"""The records of workflows, their attempts, and what could not be loaded."""

from __future__ import annotations

from include.ozon.warehouse.tables.column import ACCOUNT, Column, Table

ETL_WORKFLOW_EXECUTIONS = Table(
    "etl_workflow_executions",
    "One row for each run of `ozon_etl` and account. Written when it begins and when it ends; deleted "
    "`maintenance.records_days` later, but for an account's last ones. A dry run leaves none.",
    (
        Column("workflow_id", "text", "`<dag_run_id>/<account>`."),
        ACCOUNT,
        Column("dag_run_id", "text", "Airflow's id of the run."),
        Column("trigger", "text", "How it was started, in Airflow's words, such as scheduled or manual."),
        Column("environment", "text", "development, testing or production."),
        Column(
            "status",
            "text",
            "running, success, failed, skipped (another run held the account) or cancelled. Success means that "
            "every component succeeded.",
        ),
        Column("started_at", "timestamptz", "When its first component began."),
        Column("finished_at", "timestamptz", "When it was closed. Null while it runs."),
        Column(
            "duration_seconds",
            "double precision",
            "From start to end, waits between retries included. Null while it runs.",
        ),
        Column("error", "text", "What went wrong, in sentences. Null where nothing did."),
        Column(
            "execution_details", "jsonb", "Further figures by component, such as guards that fired or were accepted."
        ),
        Column(
            "component_statuses",
            "jsonb",
            "The status of each component's last attempt, by its name; one that was never begun is missing: "
            "running, success, failed, skipped (another run held the account) or cancelled.",
        ),
    ),
)

ETL_COMPONENT_EXECUTIONS = Table(
    "etl_component_executions",
    "One row for each attempt of a component: a retry is a row of its own. Written when it begins and when it ends, "
    "deleted with its workflow. rows_read = rows_inserted + rows_updated + rows_unchanged + rows_rejected for an "
    "attempt that succeeded; a failed one has changed nothing.",
    (
        Column("workflow_id", "text", "The workflow that the attempt belongs to."),
        Column(
            "component",
            "text",
            "The component: the rows of product_etl are products, those of inventory_etl are rows of `inventory`.",
        ),
        Column("attempt", "integer", "Counted from 1 within workflow and component."),
        ACCOUNT,
        Column("status", "text", "running, success, failed, skipped (another run held the account) or cancelled."),
        Column("started_at", "timestamptz", "When the attempt began. A load is the newest success."),
        Column("finished_at", "timestamptz", "When it ended. Null while it runs."),
        Column("duration_seconds", "double precision", "From start to end. Null while it runs."),
        Column("rows_read", "bigint", "Distinct entries that Ozon sent."),
        Column("rows_inserted", "bigint", "New ones of these."),
        Column("rows_updated", "bigint", "Those that differed from the warehouse."),
        Column("rows_unchanged", "bigint", "Those that did not, and were not written."),
        Column("rows_removed", "bigint", "Known before and no longer at Ozon; not part of `rows_read`."),
        Column("rows_rejected", "bigint", "Entries that could not be loaded: `rejected_items` has them."),
        Column("rows_repeated", "bigint", "Entries that came again on another page; not part of `rows_read`."),
        Column("api_requests", "bigint", "Requests to the Seller API."),
        Column("api_retries", "bigint", "Requests of these that repeated a failed one."),
        Column("api_wait_seconds", "double precision", "Seconds spent waiting for the API's limits."),
        Column("peak_memory_mb", "double precision", "The most memory of the process, in MB."),
        Column("visibility_counts", "jsonb", "Products by visibility, of product_etl. Null else."),
        Column("error", "text", "What went wrong, in a sentence. Null where nothing did."),
        Column("api_rate_limited", "bigint", "Requests that Ozon refused as too many (429)."),
    ),
)

REJECTED_ITEMS = Table(
    "rejected_items",
    "One row for each entry of Ozon's that could not be loaded, and for each field that an entry was loaded "
    "without, also of an attempt that failed. A rejected product keeps the state that it had. Deleted after "
    "`maintenance.rejected_items_days`.",
    (
        Column("workflow_id", "text", "The workflow that met it."),
        Column("component", "text", "The component that met it."),
        Column("attempt", "integer", "The attempt that met it."),
        Column("n", "integer", "Counted within the attempt."),
        ACCOUNT,
        Column("reason", "text", "The field, what was expected and what was found."),
        Column("payload", "jsonb", "What Ozon sent."),
        Column(
            "kind",
            "text",
            "entry: could not be loaded, and is counted as rejected. field: the entry was loaded without it; the "
            "first 10,000 of an attempt.",
        ),
    ),
)

ALEMBIC_VERSION = Table(
    "alembic_version",
    "One row: the revision of the schema, written by `ozon db upgrade` and `ozon db downgrade`.",
    (Column("version_num", "text", "The revision."),),
)
