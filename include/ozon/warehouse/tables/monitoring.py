"""The measurements of the monitoring, and its alerts."""

from __future__ import annotations

from dataclasses import replace

from include.ozon.warehouse.tables.column import ACCOUNT, Column, Table

VISIBILITY_METRICS = Table(
    "visibility_metrics",
    "One row for each measurement of an account: after each load and once a day. Rows are never changed; they are "
    "deleted after `maintenance.metrics_days`. No number includes removed products.",
    (
        ACCOUNT,
        Column("measured_at", "timestamptz", "When it was measured."),
        Column(
            "workflow_id", "text", "The workflow that loaded the measured products. Null where no load is recorded."
        ),
        Column("products", "bigint", "Products, including archived ones."),
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
        Column("visible_without_stock", "bigint", "Visible products whose stock is known to be zero."),
        Column("hidden_with_stock", "bigint", "Products with stock that customers cannot see, without archived ones."),
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
            "By currency: the value of stock that customers cannot see (hidden_money) and the lost revenue per day "
            "(lost_per_day), each with its number of products.",
        ),
    ),
)

HEALTH_CHECKS = Table(
    "health_checks",
    "One row for each check of a health check's run, for each account or for all. Rows are never changed; they are "
    "deleted after `maintenance.health_checks_days`.",
    (
        Column("measured_at", "timestamptz", "The end of the run of checks; the same for all of its rows."),
        Column("area", "text", "The area of the check, for example warehouse, data or api."),
        Column("check", "text", "The rule, by its name in the configuration."),
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
            "The measured value, in the unit that the rule's name ends with. Null where there is no number.",
        ),
        Column(
            "threshold",
            "double precision",
            "The limit that was crossed, or the nearest one. Null where the rule has none.",
        ),
        Column("message", "text", "The result, in a sentence."),
        Column("duration_seconds", "double precision", "How long the check took."),
    ),
)

_LEVEL = "warning or critical"

ALERTS = Table(
    "alerts",
    "One row for each alert: a rule that fires for an account and subject, or did. A row changes while the alert "
    "fires; it is deleted with its incident.",
    (
        Column("alert_id", "text", "The alert's id."),
        Column("incident_id", "text", "The incident that it belongs to."),
        Column("rule", "text", "The rule that fires, by its name in the configuration."),
        replace(ACCOUNT, comment=f"{ACCOUNT.comment} Null for what concerns all."),
        Column(
            "subject",
            "text",
            "What distinguishes alerts of one rule besides the account: a DAG, a task, a channel, an area. Else empty.",
        ),
        Column("level", "text", f"{_LEVEL}, when it was last measured."),
        Column("opened_at", "timestamptz", "When it began to fire."),
        Column("last_seen_at", "timestamptz", "When it was last measured as firing, or last happened."),
        Column("resolved_at", "timestamptz", "When it was resolved. Null while it fires."),
        Column(
            "muted_by",
            "text",
            "Why nobody has been notified of it: the rule that inhibits it, or a silence. Null if people are notified.",
        ),
        Column("value", "double precision", "The measured value. Null where there is no number."),
        Column("threshold", "double precision", "The limit that was crossed. Null where the rule has none."),
        Column("message", "text", "What is wrong, in a sentence."),
    ),
)

INCIDENTS = Table(
    "incidents",
    "One row for each incident: the alerts of one group and account, notified together. A row changes until the "
    "incident is resolved; it is deleted `maintenance.alerts_days` after that.",
    (
        Column("incident_id", "text", "What `ozon alerts show` and `ozon alerts ack` take."),
        Column("group", "text", "The group of its rules; docs/configuration.md lists them."),
        replace(ACCOUNT, comment=f"{ACCOUNT.comment} Null for what concerns all."),
        Column("level", "text", f"{_LEVEL}: that of its worst alert."),
        Column("opened_at", "timestamptz", "When its first alert began to fire."),
        Column("notified_level", "text", f"{_LEVEL}: the level that people last saw. Null before any notification."),
        Column("notified_at", "timestamptz", "When people were last notified. Null before any notification."),
        Column(
            "acknowledged_at",
            "timestamptz",
            "When somebody acknowledged it: no repeats until it gets worse. Null otherwise.",
        ),
        Column("acknowledged_by", "text", "Who acknowledged it. Null if nobody did."),
        Column("note", "text", "What they noted. Null if nothing."),
        Column("resolved_at", "timestamptz", "When it was resolved. Null until then."),
    ),
)

NOTIFICATIONS = Table(
    "notifications",
    "One row for each notification: a message about an incident to one channel. One that is not delivered is sent "
    "again by the next run, unless a newer one of the same incident and channel replaces it.",
    (
        Column("notification_id", "text", "The notification's id."),
        Column("incident_id", "text", "The incident that it is about."),
        Column("channel", "text", "The channel, by its name in the configuration."),
        Column("kind", "text", "opened, worse, repeat or resolved."),
        Column("level", "text", f"{_LEVEL}: the level that it shows."),
        Column("created_at", "timestamptz", "When the run began that decided to send it."),
        Column("attempts", "integer", "How often it was handed to the channel."),
        Column("delivered_at", "timestamptz", "When the channel took it. Null until then."),
        Column("error", "text", "What prevented the delivery, by the error's class. Null if nothing did."),
    ),
)
