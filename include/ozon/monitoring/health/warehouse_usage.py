"""Checks of the warehouse's connections, size, open transactions and dead rows."""

from __future__ import annotations

from include.ozon.errors import SchemaError
from include.ozon.monitoring.health.checks import HealthContext, Measures
from include.ozon.monitoring.results import Judgement, Status, judge
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.settings.limits import Above
from include.ozon.translation import N_
from include.ozon.words import count_of, minutes_between, moment

_BYTES_PER_GB = 1024**3

# The tightest of three limits: the server's without the part reserved for superusers, the database's, and the role's.
# Without pg_monitor the type of other roles' sessions is hidden: clients have a database and a role, which autovacuum
# has not.
_CONNECTIONS = """
WITH sessions AS (
    SELECT datid, usesysid FROM pg_stat_activity
    WHERE backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL
), limits AS (
    SELECT 'the server' AS whose,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true), '0')::int AS allowed,
           (SELECT count(*) FROM sessions) AS used
    UNION ALL
    SELECT 'database ' || datname, datconnlimit, (SELECT count(*) FROM sessions WHERE datid = d.oid)
    FROM pg_database d WHERE datname = current_database() AND datconnlimit > 0
    UNION ALL
    SELECT 'role ' || rolname, rolconnlimit, (SELECT count(*) FROM sessions WHERE usesysid = r.oid)
    FROM pg_roles r WHERE rolname = current_user AND rolconnlimit > 0
)
SELECT whose, allowed, used FROM limits ORDER BY used::float / allowed DESC LIMIT 1
"""

_SIZE = "SELECT pg_database_size(current_database()), current_database()"

# The health check itself stores the size. About a day ago: the scheduler may have stood still at that moment.
_SIZE_A_DAY_AGO = """
SELECT value, measured_at FROM ozon.health_checks
WHERE "check" = 'warehouse_size_gb' AND account IS NULL AND value IS NOT NULL
  AND measured_at BETWEEN %(now)s - interval '30 hours' AND %(now)s - interval '18 hours'
ORDER BY abs(extract(epoch FROM measured_at - (%(now)s - interval '24 hours')))
LIMIT 1
"""

# Growth below this share of the size limit is not judged: a new warehouse doubles with its first load.
_GROWTH_FLOOR = 0.01

# Only of this database, since others do not block its merges. Without our own, since the components have time limits,
# and without VACUUM, which blocks neither a merge nor another VACUUM. Without pg_monitor the start of other roles'
# transactions is hidden.
_TRANSACTIONS = """
WITH transactions AS (
    SELECT xact_start, state, pid, application_name, usename::text
    FROM pg_stat_activity a
    WHERE datname = current_database()
      AND pid <> pg_backend_pid()
      AND split_part(application_name, ' ', 1) <> ALL (%(components)s)
      AND (backend_type = 'client backend' OR backend_type IS NULL)
      AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
    UNION ALL
    SELECT prepared, 'prepared', NULL, gid, owner::text FROM pg_prepared_xacts WHERE database = current_database()
)
SELECT xact_start, state, pid, application_name, usename, count(*) FILTER (WHERE state IS NULL) OVER () AS hidden
FROM transactions
ORDER BY xact_start NULLS LAST
LIMIT 1
"""

# VACUUM of a smaller table is quick, whatever its share of dead rows.
_MIN_ROWS = 10_000

_DEAD_ROWS = """
SELECT relname, n_live_tup, n_dead_tup, 100.0 * n_dead_tup / greatest(n_live_tup + n_dead_tup, 1) AS pct,
       coalesce(last_autovacuum, last_vacuum)
FROM pg_stat_user_tables
WHERE schemaname = 'ozon'
ORDER BY n_live_tup + n_dead_tup >= %(min_rows)s DESC, pct DESC
LIMIT 1
"""

LOOK_AT_POSTGRESQL = N_("Check the running queries in pg_stat_activity, and PostgreSQL's own log.")

WAREHOUSE_CONNECTIONS_PCT = Rule(
    name="warehouse_connections_pct",
    title=N_("PostgreSQL is almost out of connections"),
    measures=N_("Share of PostgreSQL's connections in use."),
    unit=Unit.SHARE,
    limits=Above(warning=80, critical=95),
    next_step=N_("Find the programs that use them in pg_stat_activity and end idle ones, or raise the limit."),
    meaning="Almost all connections are in use; soon loads cannot connect.",
    remedy="`SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2 ORDER BY 3 DESC` shows who "
    "uses them. End idle ones, or raise `max_connections`.",
)

WAREHOUSE_SIZE_GB = Rule(
    name="warehouse_size_gb",
    title=N_("the warehouse is large"),
    measures=N_("Size of the warehouse's database."),
    unit=Unit.GB,
    limits=Above(warning=100, critical=500),
    next_step=N_("Lower maintenance.history_days, or add storage and raise the limit."),
    meaning="The database is larger than expected.",
    remedy="`\\dt+ ozon.*` in psql shows the largest tables. Lower `maintenance.history_days`, or add storage and "
    "raise the limit.",
)

WAREHOUSE_GROWTH_PCT = Rule(
    name="warehouse_growth_pct",
    title=N_("the warehouse grows unusually fast"),
    measures=N_("Growth of the warehouse's database in a day."),
    unit=Unit.CHANGE,
    limits=Above(warning=30, critical=100),
    next_step=N_(
        "Find the largest tables with `\\dt+ ozon.*` in psql; the first load of a new account is normal growth."
    ),
    meaning="The database grew unusually fast within a day.",
    remedy="`\\dt+ ozon.*` in psql shows the largest tables; check `rejected_items` first. The first load of a new "
    "account is normal growth.",
)

LONG_TRANSACTION_MINUTES = Rule(
    name="long_transaction_minutes",
    title=N_("a transaction stays open"),
    measures=N_("Age of the oldest transaction that can block a merge or VACUUM."),
    unit=Unit.MINUTES,
    limits=Above(warning=15, critical=60),
    next_step=N_("Ask the owner of the named role to end it, or run `SELECT pg_terminate_backend(pid)`."),
    meaning="A transaction has been open for too long: it prevents VACUUM from cleaning up and can block a merge.",
    remedy=(
        "`SELECT pid, usename, xact_start, query FROM pg_stat_activity ORDER BY xact_start` shows it. If nobody needs "
        "it, end it with `SELECT pg_terminate_backend(pid)`."
    ),
)

DEAD_ROWS_PCT = Rule(
    name="dead_rows_pct",
    title=N_("a table has many dead rows"),
    measures=N_("Share of dead rows in the worst table (bloat)."),
    unit=Unit.SHARE,
    limits=Above(warning=40, critical=80),
    next_step=N_("End transactions that stay open, then run VACUUM on the table."),
    meaning="A large part of a table consists of dead rows; queries are slow.",
    remedy="End transactions that stay open, then run `VACUUM (ANALYZE, VERBOSE) ozon.<table>`.",
)


class WarehouseUsage:
    def __init__(self, context: HealthContext) -> None:
        self._context = context
        self._now = context.now
        self._settings = context.settings

    def connections_pct(self) -> Judgement:
        whose, allowed, used = self._context.row(_CONNECTIONS) or ("the server", 1, 0)
        pct = round(100 * used / allowed, 1)
        text = f"{used} of the {count_of(allowed, 'connection')} that {whose} allows are in use ({pct:g} %)"
        return judge(self._settings, WAREHOUSE_CONNECTIONS_PCT, pct, text)

    def size_gb(self) -> Judgement:
        size_gb, database = self._size_gb()
        return judge(self._settings, WAREHOUSE_SIZE_GB, size_gb, f"Database {database} has {_gb(size_gb)}")

    def growth_pct(self) -> Judgement:
        """Judge the growth; OK if there is nothing to compare with, or the growth is below the floor."""
        size_gb, database = self._size_gb()
        former_gb, former_at = self._context.row(_SIZE_A_DAY_AGO, now=self._now) or (0, None)
        if not former_gb:
            text = f"Database {database} has {_gb(size_gb)}; there is no size from a day ago to compare with"
            return Judgement(Status.OK, f"{text}.")
        pct = round(100 * (size_gb - former_gb) / former_gb, 1)
        former = f"{_gb(former_gb)} at {moment(former_at, self._settings)}"
        text = f"Database {database} changed from {former} to {_gb(size_gb)}"
        if size_gb - former_gb < _GROWTH_FLOOR * WAREHOUSE_SIZE_GB.limits_in(self._settings).warning:
            return Judgement(Status.OK, f"{text}, too little to be judged.", pct)
        return judge(self._settings, WAREHOUSE_GROWTH_PCT, pct, f"{text}: {pct:+g} %")

    def _size_gb(self) -> tuple[float, str]:
        size, database = self._context.row(_SIZE) or (0, "")
        return round(size / _BYTES_PER_GB, 6), database

    def long_transaction_minutes(self) -> Judgement:
        row = self._context.row(_TRANSACTIONS, components=COMPONENT_NAMES)
        started_at, state, pid, application, role, hidden = row or (None, None, None, None, None, 0)
        not_visible = f"; {count_of(hidden, 'session')} of other roles could not be checked" if hidden else ""
        if started_at is None:
            return judge(self._settings, LONG_TRANSACTION_MINUTES, 0, f"No transaction is open{not_visible}")
        minutes = minutes_between(started_at, self._now)
        who = f"process {pid} ({application or 'without a name'}, {state})" if pid else f"prepared as {application}"
        text = (
            f"The oldest open transaction is {minutes:g} minutes old, since {moment(started_at, self._settings)}: "
            f"role {role}, {who}{not_visible}"
        )
        return judge(self._settings, LONG_TRANSACTION_MINUTES, minutes, text)

    def dead_rows_pct(self) -> Judgement:
        """Judge PostgreSQL's own estimates, which are cheap to read."""
        row = self._context.row(_DEAD_ROWS, min_rows=_MIN_ROWS)
        if row is None:
            raise SchemaError("The warehouse has no tables in the schema ozon. Run `ozon db upgrade`.")
        table, live, dead, share, vacuumed_at = row
        if live + dead < _MIN_ROWS:
            text = f"All tables have fewer than {_MIN_ROWS} rows, so dead rows do not matter"
            return judge(self._settings, DEAD_ROWS_PCT, 0, text)
        pct = round(float(share), 1)
        vacuumed = f"last vacuumed at {moment(vacuumed_at, self._settings)}" if vacuumed_at else "never vacuumed"
        text = f"{pct:g} % of the rows of ozon.{table} are dead ({dead} of {live + dead}; {vacuumed})"
        return judge(self._settings, DEAD_ROWS_PCT, pct, text)


USAGE_MEASURES: Measures[WarehouseUsage] = (
    (WAREHOUSE_CONNECTIONS_PCT, WarehouseUsage.connections_pct),
    (WAREHOUSE_SIZE_GB, WarehouseUsage.size_gb),
    (WAREHOUSE_GROWTH_PCT, WarehouseUsage.growth_pct),
    (LONG_TRANSACTION_MINUTES, WarehouseUsage.long_transaction_minutes),
    (DEAD_ROWS_PCT, WarehouseUsage.dead_rows_pct),
)


def _gb(size_gb: float) -> str:
    return f"{size_gb:.3g} GB"
