"""What the monitoring has measured, and its alerts."""

from __future__ import annotations

from dataclasses import replace

from include.ozon.warehouse.tables.column import ACCOUNT, Column, Table

VISIBILITY_METRICS = Table(
    "visibility_metrics",
    "One row for each measurement of an account: after each load and once a day. Rows are never changed; they are "
    "deleted after `maintenance.metrics_days`. Removed products are in no number.",
    (
        ACCOUNT,
        Column("measured_at", "timestamptz", "When it was measured."),
        Column(
            "workflow_id", "text", "The workflow that brought the products measured. Null where no load is recorded."
        ),
        Column("products", "bigint", "Products, the archived ones included."),
        Column("visible", "bigint", "Products that customers can see."),
        Column("hidden", "bigint", "Products that are HIDDEN."),
        Column("moderation", "bigint", "Products in MODERATION."),
        Column("declined", "bigint", "Products that are DECLINED."),
        Column("archived", "bigint", "Products that are ARCHIVED."),
        Column("unknown", "bigint", "Products whose visibility is UNKNOWN."),
        Column("visible_pct", "double precision", "`visible` in per cent of `products`. Null where there are none."),
        Column("hidden_pct", "double precision", "`hidden` in per cent of `products`. Null where there are none."),
        Column(
            "moderation_pct", "double precision", "`moderation` in per cent of `products`. Null where there are none."
        ),
        Column("declined_pct", "double precision", "`declined` in per cent of `products`. Null where there are none."),
        Column("archived_pct", "double precision", "`archived` in per cent of `products`. Null where there are none."),
        Column("unknown_pct", "double precision", "`unknown` in per cent of `products`. Null where there are none."),
        Column(
            "coverage_pct",
            "double precision",
            "The share of products whose visibility is not UNKNOWN, in per cent. Null where there are none.",
        ),
        Column("turned_visible", "bigint", "Products that turned visible since the measurement before."),
        Column(
            "turned_invisible", "bigint", "Products that turned invisible since then; removed ones are not counted."
        ),
        Column("visible_without_stock", "bigint", "Visible products whose stock is known and used up."),
        Column(
            "hidden_with_stock", "bigint", "Products with stock that customers cannot see, the archived ones left out."
        ),
        Column(
            "quality_score",
            "double precision",
            "How far the data can be trusted, from 0 to 100. Null where there are no products.",
        ),
        Column(
            "quality_parts", "jsonb", "The parts of the score: a list with name, weight, value, good and total of each."
        ),
        Column(
            "impact",
            "jsonb",
            "By currency: the worth of stock that nobody sees (hidden_money) and what is not earned a day "
            "(lost_per_day), with the numbers of products behind them.",
        ),
    ),
)

HEALTH_CHECKS = Table(
    "health_checks",
    "One row for each check of a health check's run, for each account or for all. Rows are never changed; they are "
    "deleted after `maintenance.health_checks_days`.",
    (
        Column("measured_at", "timestamptz", "When the run of checks was summed up; the same for all of its rows."),
        Column("area", "text", "The area of the check, such as warehouse, data or api."),
        Column("check", "text", "The rule that judged, by its name in the configuration."),
        replace(ACCOUNT, comment=f"{ACCOUNT.comment} Null for what concerns all."),
        Column(
            "status",
            "text",
            "ok, warning, critical, unknown (nothing to measure yet) or error (the check itself failed). The last two "
            "are neither good nor bad.",
        ),
        Column(
            "value",
            "double precision",
            "What was measured, in the unit that the rule's name ends with. Null where there is no number.",
        ),
        Column(
            "threshold",
            "double precision",
            "The limit that was crossed, or the nearest one. Null where the rule has none.",
        ),
        Column("message", "text", "The finding, in a sentence."),
        Column("duration_seconds", "double precision", "How long the check took."),
    ),
)

ALERTS = Table(
    "alerts",
    "One row for each alert: something that is or was not as it should be. A row changes while its alert is open; "
    "deleted `maintenance.alerts_days` after its recovery.",
    (
        Column("alert_id", "text", "What `ozon alerts ack` takes."),
        Column("rule", "text", "The rule that was violated, by its name in the configuration."),
        replace(ACCOUNT, comment=f"{ACCOUNT.comment} Null for what concerns all."),
        Column(
            "subject",
            "text",
            "What tells alerts of one rule apart where the account does not: a DAG, a task, a channel. Else empty.",
        ),
        Column("level", "text", "warning or critical, as it was last seen."),
        Column("opened_at", "timestamptz", "When it was first seen."),
        Column("last_seen_at", "timestamptz", "When it was last seen."),
        Column("last_sent_at", "timestamptz", "When it was last told to anybody. Null where it never was."),
        Column("sent_count", "integer", "In how many messages it was told."),
        Column("sent_level", "text", "The level at which it was last told. Null where it never was."),
        Column("acknowledged_at", "timestamptz", "When somebody silenced it. Null where nobody did."),
        Column("recovered_at", "timestamptz", "When it was over. Null while it is open."),
        Column(
            "suppressed_by",
            "text",
            "The rule of which it is a mere consequence, so that it is not told. Null where it is told by itself.",
        ),
        Column(
            "is_event", "boolean", "Whether it happened once, such as a failed task, and has no state to recover from."
        ),
        Column("pending_channels", "text[]", "Channels that could not yet deliver the last message."),
        Column("value", "double precision", "What was measured. Null where there is no number."),
        Column("threshold", "double precision", "The limit that was crossed. Null where the rule has none."),
        Column("message", "text", "What is wrong, in a sentence."),
    ),
)
