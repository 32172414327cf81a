"""The tables of the monitoring, and its indexes for large warehouses."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_METRICS = """
CREATE TABLE ozon.visibility_metrics (
    account               text             NOT NULL,
    measured_at           timestamptz      NOT NULL,
    workflow_id           text,
    products              bigint           NOT NULL,
    visible               bigint           NOT NULL,
    hidden                bigint           NOT NULL,
    moderation            bigint           NOT NULL,
    declined              bigint           NOT NULL,
    archived              bigint           NOT NULL,
    unknown               bigint           NOT NULL,
    visible_pct           double precision,
    hidden_pct            double precision,
    moderation_pct        double precision,
    declined_pct          double precision,
    archived_pct          double precision,
    unknown_pct           double precision,
    coverage_pct          double precision,
    turned_visible        bigint           NOT NULL,
    turned_invisible      bigint           NOT NULL,
    visible_without_stock bigint           NOT NULL,
    hidden_with_stock     bigint           NOT NULL,
    quality_score         double precision,
    quality_parts         jsonb            NOT NULL,
    impact                jsonb            NOT NULL,
    PRIMARY KEY (account, measured_at)
);
"""

_HEALTH = """
CREATE TABLE ozon.health_checks (
    measured_at      timestamptz      NOT NULL,
    component        text             NOT NULL,
    "check"          text             NOT NULL,
    account          text,
    status           text             NOT NULL CHECK (status IN ('ok', 'warning', 'critical', 'unknown')),
    value            double precision,
    threshold        double precision,
    message          text             NOT NULL,
    duration_seconds double precision NOT NULL,
    UNIQUE NULLS NOT DISTINCT (measured_at, component, "check", account)
);
CREATE INDEX health_checks_by_check ON ozon.health_checks ("check", account, measured_at);
"""

# `subject` distinguishes alerts of one rule and account: a DAG, a task, a channel.
_ALERTS = """
CREATE TABLE ozon.alerts (
    alert_id         text             PRIMARY KEY,
    rule             text             NOT NULL,
    account          text,
    subject          text             NOT NULL DEFAULT '',
    level            text             NOT NULL CHECK (level IN ('warning', 'critical')),
    opened_at        timestamptz      NOT NULL,
    last_seen_at     timestamptz      NOT NULL,
    last_sent_at     timestamptz,
    sent_count       integer          NOT NULL DEFAULT 0,
    sent_level       text,
    acknowledged_at  timestamptz,
    recovered_at     timestamptz,
    suppressed_by    text,
    is_event         boolean          NOT NULL DEFAULT false,
    pending_channels text[]           NOT NULL DEFAULT '{}',
    value            double precision,
    threshold        double precision,
    message          text             NOT NULL
);
CREATE UNIQUE INDEX alerts_open ON ozon.alerts (rule, account, subject) NULLS NOT DISTINCT WHERE recovered_at IS NULL;
CREATE INDEX alerts_by_opening ON ozon.alerts (opened_at);
"""

# The checks of every quarter of an hour read these instead of the tables.
_INDEXES = """
CREATE INDEX inventory_impossible ON ozon.inventory (account)
    WHERE present < 0 OR reserved < 0 OR reserved > present;
CREATE INDEX etl_component_executions_running ON ozon.etl_component_executions (account) WHERE status = 'running';
CREATE INDEX product_visibility_history_by_start ON ozon.product_visibility_history (account, valid_from);
"""

_USAGE = """
ALTER TABLE ozon.etl_component_executions ADD COLUMN api_rate_limited bigint NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    for statements in (_METRICS, _HEALTH, _ALERTS, _INDEXES, _USAGE):
        op.execute(statements)


def downgrade() -> None:
    op.execute("ALTER TABLE ozon.etl_component_executions DROP COLUMN api_rate_limited")
    for index in ("product_visibility_history_by_start", "etl_component_executions_running", "inventory_impossible"):
        op.execute(f"DROP INDEX ozon.{index}")
    for table in ("alerts", "health_checks", "visibility_metrics"):
        op.execute(f"DROP TABLE ozon.{table}")
