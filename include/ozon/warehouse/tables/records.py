"""The records of workflows and attempts, and the rejected items."""

from __future__ import annotations

from include.ozon.warehouse.tables.column import ACCOUNT, Column, Table

ETL_WORKFLOW_EXECUTIONS = Table(
    "etl_workflow_executions",
    "One row for each run of `ozon_etl` and account, written at its start and end. Deleted "
    "`maintenance.records_days` later, except an account's last ones. A dry run has none.",
    (
        Column("workflow_id", "text", "`<dag_run_id>/<account>`."),
        ACCOUNT,
        Column("dag_run_id", "text", "Airflow's id of the run."),
        Column("trigger", "text", "Airflow's type of the run, for example scheduled or manual."),
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
            "From start to end, including waits between retries. Null while it runs.",
        ),
        Column("error", "text", "What went wrong, in sentences. Null where nothing did."),
        Column(
            "execution_details",
            "jsonb",
            "Further figures by component, for example guards that fired; the accepted guards (`accept_guards`); and "
            "`seconds` by `<component>/<attempt>`, which do not overlap: waiting (for Ozon's limits and before "
            "retries, with nothing to stage), downloading (answers, with nothing to stage), staging (writing answers "
            "to the staging tables), comparing (staging with the warehouse, and checking guards), merging (writing "
            "the differences).",
        ),
        Column(
            "component_statuses",
            "jsonb",
            "The status of each component's last attempt, by component: running, success, failed, skipped (another "
            "run held the account) or cancelled. A component that was never started is missing.",
        ),
    ),
)

ETL_COMPONENT_EXECUTIONS = Table(
    "etl_component_executions",
    "One row for each attempt of a component, also for each retry, written at its start and end. Deleted with its "
    "workflow. rows_read = rows_inserted + rows_updated + rows_unchanged + rows_rejected for a successful attempt; a "
    "failed one has changed nothing.",
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
        Column("started_at", "timestamptz", "When the attempt began."),
        Column("finished_at", "timestamptz", "When it ended. Null while it runs."),
        Column("duration_seconds", "double precision", "From start to end. Null while it runs."),
        Column("rows_read", "bigint", "Distinct entries that Ozon sent."),
        Column("rows_inserted", "bigint", "New entries."),
        Column("rows_updated", "bigint", "Entries that differed from the warehouse."),
        Column("rows_unchanged", "bigint", "Entries equal to the warehouse, which were not written."),
        Column("rows_removed", "bigint", "Rows that Ozon no longer has; not part of `rows_read`."),
        Column("rows_rejected", "bigint", "Entries that could not be loaded; they are in `rejected_items`."),
        Column("rows_repeated", "bigint", "Entries received again on another page; not part of `rows_read`."),
        Column("api_requests", "bigint", "Requests to the Seller API."),
        Column("api_retries", "bigint", "Requests that repeated a failed one."),
        Column("api_wait_seconds", "double precision", "Seconds spent waiting for the API's limits."),
        Column("peak_memory_mb", "double precision", "The process's peak memory, in MB."),
        Column("visibility_counts", "jsonb", "Products by visibility, for product_etl. Otherwise null."),
        Column("error", "text", "What went wrong, in a sentence. Null where nothing did."),
        Column("api_rate_limited", "bigint", "Requests that Ozon rate-limited (429)."),
    ),
)

REJECTED_ITEMS = Table(
    "rejected_items",
    "One row for each entry from Ozon that could not be loaded, and for each field that an entry was loaded without, "
    "also for failed attempts. A rejected product keeps its last state. Deleted after "
    "`maintenance.rejected_items_days`.",
    (
        Column("workflow_id", "text", "The workflow that found it."),
        Column("component", "text", "The component that found it."),
        Column("attempt", "integer", "The attempt that found it."),
        Column("n", "integer", "The number within the attempt."),
        ACCOUNT,
        Column("reason", "text", "The field, what was expected and what was found."),
        Column("payload", "jsonb", "The entry or the field, as Ozon sent it."),
        Column(
            "kind",
            "text",
            "entry: could not be loaded, and is counted as rejected. field: the entry was loaded without it; only the "
            "first 10,000 of an attempt are kept.",
        ),
    ),
)

ALEMBIC_VERSION = Table(
    "alembic_version",
    "One row: the revision of the schema, written by `ozon db upgrade` and `ozon db downgrade`.",
    (Column("version_num", "text", "The revision."),),
)
