"""Incidents and notifications are rows; alerts belong to an incident."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE ozon.incidents (
    incident_id     text        PRIMARY KEY,
    "group"         text        NOT NULL,
    account         text,
    level           text        NOT NULL CHECK (level IN ('warning', 'critical')),
    opened_at       timestamptz NOT NULL,
    notified_level  text        CHECK (notified_level IN ('warning', 'critical')),
    notified_at     timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    note            text,
    resolved_at     timestamptz
);
CREATE UNIQUE INDEX incidents_unresolved ON ozon.incidents ("group", account) NULLS NOT DISTINCT
    WHERE resolved_at IS NULL;
CREATE INDEX incidents_by_resolution ON ozon.incidents (resolved_at);

CREATE TABLE ozon.notifications (
    notification_id text        PRIMARY KEY,
    incident_id     text        NOT NULL REFERENCES ozon.incidents ON DELETE CASCADE,
    channel         text        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('opened', 'worse', 'repeat', 'resolved')),
    level           text        NOT NULL CHECK (level IN ('warning', 'critical')),
    created_at      timestamptz NOT NULL,
    attempts        integer     NOT NULL DEFAULT 0,
    delivered_at    timestamptz,
    error           text
);
CREATE INDEX notifications_by_incident ON ozon.notifications (incident_id, channel, created_at);
CREATE UNIQUE INDEX notifications_undelivered ON ozon.notifications (incident_id, channel)
    WHERE delivered_at IS NULL;

ALTER TABLE ozon.alerts RENAME COLUMN recovered_at TO resolved_at;
ALTER TABLE ozon.alerts RENAME COLUMN suppressed_by TO muted_by;
ALTER TABLE ozon.alerts ADD COLUMN incident_id text;
"""

# The groups as they are in this version, besides those of one rule, which has its name.
_GROUPS = {
    "airflow": "airflow_dag_processor airflow_import airflow_paused airflow_reachable airflow_scheduler "
    "airflow_triggerer",
    "api_access": "api_key api_key_expires_days api_methods",
    "api_availability": "api_error_rate_pct api_rate_limited_pct api_reachable",
    "loads": "failure_rate_pct failures_in_a_row inventory_etl_age_hours killed_attempt missed_schedule_minutes "
    "product_etl_age_hours",
    "slow": "duration_ratio inventory_etl_minutes lock_held_minutes product_etl_minutes",
    "visibility": "hidden_with_stock_pct turned_invisible_pct visible_share_drop_points visible_share_pct",
    "warehouse": "warehouse_reachable warehouse_response_seconds warehouse_schema warehouse_writable",
}
_RULES = ", ".join(f"('{rule}', '{group}')" for group, rules in _GROUPS.items() for rule in rules.split())

# The firing alerts of a group and account become one incident, under the id of the first; each resolved one its own.
# The worst level is the first in the alphabet.
_FILL = f"""
CREATE TEMPORARY TABLE grouped ON COMMIT DROP AS
SELECT a.*,
       CASE WHEN split_part(a.subject, '.', 1) = 'ozon_etl' AND a.rule = 'task_failed' THEN 'loads'
            WHEN split_part(a.subject, '.', 1) = 'ozon_etl' AND a.rule = 'run_deadline' THEN 'slow'
            ELSE coalesce(g."group", a.rule) END AS "group"
FROM ozon.alerts a LEFT JOIN (VALUES {_RULES}) AS g (rule, "group") USING (rule);

UPDATE ozon.alerts a SET incident_id = coalesce(first.alert_id, a.alert_id)
FROM grouped g
LEFT JOIN LATERAL (
    SELECT alert_id FROM grouped f
    WHERE g.resolved_at IS NULL AND f.resolved_at IS NULL
      AND f."group" = g."group" AND f.account IS NOT DISTINCT FROM g.account
    ORDER BY opened_at, alert_id LIMIT 1
) first ON true
WHERE a.alert_id = g.alert_id;

INSERT INTO ozon.incidents (
    incident_id, "group", account, level, opened_at, notified_level, notified_at, acknowledged_at, resolved_at
)
SELECT a.incident_id, min(g."group"), min(a.account), min(a.level), min(a.opened_at), min(a.sent_level),
       max(a.last_sent_at), max(a.acknowledged_at), max(a.resolved_at)
FROM ozon.alerts a JOIN grouped g USING (alert_id)
GROUP BY a.incident_id;

INSERT INTO ozon.notifications (notification_id, incident_id, channel, kind, level, created_at)
SELECT md5(i.incident_id || channel), i.incident_id, channel,
       CASE WHEN i.resolved_at IS NULL THEN 'opened' ELSE 'resolved' END,
       coalesce(i.notified_level, i.level), coalesce(i.resolved_at, i.notified_at, i.opened_at)
FROM ozon.incidents i
CROSS JOIN LATERAL (
    SELECT DISTINCT unnest(a.pending_channels) AS channel FROM ozon.alerts a
    WHERE a.incident_id = i.incident_id
      -- Events and muted alerts have no resolution that a channel could have missed.
      AND (i.resolved_at IS NULL OR (a.rule NOT IN ('task_failed', 'run_deadline') AND a.muted_by IS NULL))
) pending;

ALTER TABLE ozon.alerts
    ALTER COLUMN incident_id SET NOT NULL,
    ADD CONSTRAINT alerts_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES ozon.incidents ON DELETE CASCADE,
    DROP COLUMN last_sent_at,
    DROP COLUMN sent_count,
    DROP COLUMN sent_level,
    DROP COLUMN acknowledged_at,
    DROP COLUMN is_event,
    DROP COLUMN pending_channels;
CREATE INDEX alerts_by_incident ON ozon.alerts (incident_id);
"""

_BACK = """
ALTER TABLE ozon.alerts
    ADD COLUMN last_sent_at timestamptz,
    ADD COLUMN sent_count integer NOT NULL DEFAULT 0,
    ADD COLUMN sent_level text,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN is_event boolean NOT NULL DEFAULT false,
    ADD COLUMN pending_channels text[] NOT NULL DEFAULT '{}';

UPDATE ozon.alerts a SET
    last_sent_at = CASE WHEN a.muted_by IS NULL THEN i.notified_at END,
    sent_level = CASE WHEN a.muted_by IS NULL THEN i.notified_level END,
    sent_count = (SELECT count(*) FROM ozon.notifications n
                  WHERE n.incident_id = i.incident_id AND n.delivered_at IS NOT NULL),
    acknowledged_at = i.acknowledged_at,
    is_event = a.rule IN ('task_failed', 'run_deadline'),
    pending_channels = ARRAY(SELECT channel FROM ozon.notifications n
                             WHERE n.incident_id = i.incident_id AND n.delivered_at IS NULL ORDER BY channel)
FROM ozon.incidents i
WHERE i.incident_id = a.incident_id;

ALTER TABLE ozon.alerts DROP COLUMN incident_id;
ALTER TABLE ozon.alerts RENAME COLUMN resolved_at TO recovered_at;
ALTER TABLE ozon.alerts RENAME COLUMN muted_by TO suppressed_by;
DROP TABLE ozon.notifications, ozon.incidents;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_FILL)


def downgrade() -> None:
    op.execute(_BACK)
