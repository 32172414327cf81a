"""The area of the warehouse: reachable, fast, writable, as migrated, and the checks of ``warehouse_usage``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from include.ozon.errors import OzonError, SchemaError
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Measures, checks_of, rules_of
from include.ozon.monitoring.health.warehouse_usage import LOOK_AT_POSTGRESQL, USAGE_MEASURES, WarehouseUsage
from include.ozon.monitoring.results import Judgement, judge, judge_state
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.settings.limits import Above, State
from include.ozon.translation import N_
from include.ozon.words import one_line

# The number of missing or wrong objects that a message names; the others are counted.
_NAMED = 5

_SERVER = "SELECT current_setting('server_version'), current_database()"

# Rolled back: it costs a transaction id and leaves no row.
_WRITE = """
INSERT INTO ozon.health_checks (measured_at, area, "check", status, message, duration_seconds)
VALUES (%s, 'warehouse', 'warehouse_writable', 'ok', 'A write that is rolled back.', 0)
"""

# One write shows that the server accepts writes; the other rights that a load needs are queried.
_MISSING_RIGHTS = """
SELECT 'table ' || n.nspname || '.' || c.relname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('ozon', 'ozon_staging')
  AND c.relkind IN ('r', 'p')
  AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
           AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
UNION ALL
SELECT 'schema ' || nspname FROM pg_namespace
WHERE nspname = 'ozon_staging' AND NOT has_schema_privilege(oid, 'CREATE')
UNION ALL
SELECT 'temporary tables of database ' || current_database()
WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')
ORDER BY 1
"""

WAREHOUSE_REACHABLE = Rule(
    name="warehouse_reachable",
    title=N_("the warehouse cannot be reached"),
    measures=N_("The warehouse can be connected to."),
    limits=State(level="critical"),
    next_step=(
        N_(
            "Check that PostgreSQL runs, and check host, port and password of the connection ozon_warehouse. "
            "Loads retry."
        )
    ),
    meaning="PostgreSQL does not accept connections. Loads fail and retry; no data is lost.",
    remedy=(
        "Check that PostgreSQL runs and its disk is not full. Check host, port and password of the connection "
        "`ozon_warehouse` with `psql` from the same machine."
    ),
    group="warehouse",
)

WAREHOUSE_RESPONSE_SECONDS = Rule(
    name="warehouse_response_seconds",
    title=N_("the warehouse answers slowly"),
    measures=N_("Time for connecting and a small query."),
    unit=Unit.SECONDS,
    limits=Above(warning=0.5, critical=5),
    next_step=LOOK_AT_POSTGRESQL,
    meaning="Connecting and a small query take unusually long.",
    remedy="Check the running queries in `pg_stat_activity`, and the load and disk of the server.",
    group="warehouse",
)

WAREHOUSE_WRITABLE = Rule(
    name="warehouse_writable",
    title=N_("the warehouse does not accept writes"),
    measures=N_("The warehouse accepts writes and is not a standby."),
    limits=State(level="critical"),
    next_step=(
        N_("Check that ozon_warehouse points at the primary and that its login may load (`ozon db grant loader`).")
    ),
    meaning="The role may not write, the server is a standby, or its disk is full.",
    remedy="After a failover, point the connection `ozon_warehouse` at the primary. Otherwise check the owner of the "
    "schemas (`\\dn+` in psql) and the free disk space.",
    group="warehouse",
)

WAREHOUSE_SCHEMA = Rule(
    name="warehouse_schema",
    title=N_("the warehouse's schema is not as migrated"),
    measures=N_("Tables, columns and indexes are as migrated."),
    limits=State(level="critical"),
    next_step=N_("Run `ozon db status`, then `ozon db upgrade`; undo changes that somebody made by hand."),
    meaning="Tables, columns or indexes are not those of this version. Loads stop.",
    remedy=(
        '`ozon db status`, then `ozon db upgrade`. If the schema is "newer", an older version of the package runs: see '
        "[deploy.md](deploy.md#rollback). If the message names a missing index, somebody dropped it: create it again."
    ),
    group="warehouse",
)


# While one of these fires, the warehouse can neither be measured nor loaded.
WAREHOUSE_DOWN = (WAREHOUSE_REACHABLE, WAREHOUSE_WRITABLE, WAREHOUSE_SCHEMA)


class _Warehouse:
    """Checks of what every load needs."""

    def __init__(self, context: HealthContext) -> None:
        self._context = context
        self._settings = context.settings

    def reachable(self) -> Judgement:
        """Check the connection; an OzonError is a result, and any other error leaves it unmeasured."""
        try:
            version, database = self._context.row(_SERVER) or ("", "")
        except OzonError as error:
            return judge_state(self._settings, WAREHOUSE_REACHABLE, False, str(error).rstrip("."))
        text = f"The warehouse answers: database {database}, PostgreSQL {version.split()[0]}"
        return judge_state(self._settings, WAREHOUSE_REACHABLE, True, text)

    def response_seconds(self) -> Judgement:
        from include.ozon.warehouse.session import open_session

        # Raises at once if the warehouse is known to be unreachable.
        self._context.connection()
        started = time.perf_counter()
        with open_session(self._context.connect, self._context.settings.warehouse, "ozon_health") as connection:
            connection.execute("SELECT 1")
            seconds = round(time.perf_counter() - started, 3)
        text = f"Connecting to the warehouse and a small query took {seconds:g} seconds"
        return judge(self._settings, WAREHOUSE_RESPONSE_SECONDS, seconds, text)

    def writable(self) -> Judgement:
        from psycopg import errors as pg

        from include.ozon.warehouse.session import translated_errors

        # No right to write, a standby, a full disk, out of transaction ids.
        refusals = (pg.InsufficientPrivilege, pg.ReadOnlySqlTransaction, pg.DiskFull, pg.ProgramLimitExceeded)
        connection = self._context.connection()
        with translated_errors():
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(_WRITE, (self._context.now,))
            except refusals as error:
                return self._not_writable(one_line(error))
        missing = [name for (name,) in self._context.rows(_MISSING_RIGHTS)]
        if missing:
            return self._not_writable(f"its role may not write to {_some_of(missing)}")
        return judge_state(self._settings, WAREHOUSE_WRITABLE, True, "The warehouse accepts writes to all tables")

    def _not_writable(self, found: str) -> Judgement:
        text = (
            f"The warehouse does not accept writes ({found}). Expected: a primary with free disk space, and a login in "
            "the connection ozon_warehouse that is a member of ozon_loader or owns the schemas ozon and ozon_staging"
        )
        return judge_state(self._settings, WAREHOUSE_WRITABLE, False, text)

    def schema(self) -> Judgement:
        from include.ozon.monitoring.health.warehouse_schema import differences, number_of_objects
        from include.ozon.warehouse.schema import require_head
        from include.ozon.warehouse.session import translated_errors

        connection = self._context.connection()
        try:
            with translated_errors():
                require_head(connection)
                wrong = differences(connection)
        except SchemaError as error:
            return judge_state(self._settings, WAREHOUSE_SCHEMA, False, str(error).rstrip("."))
        if wrong:
            text = (
                f"The warehouse's schema is not as migrated: {_some_of(wrong)}. Somebody changed it by hand; undo "
                "the change"
            )
            return judge_state(self._settings, WAREHOUSE_SCHEMA, False, text)
        text = f"The warehouse's schema is as migrated ({number_of_objects()})"
        return judge_state(self._settings, WAREHOUSE_SCHEMA, True, text)


def _some_of(names: Sequence[str]) -> str:
    further = len(names) - _NAMED
    return "; ".join(names[:_NAMED]) + (f"; and {further} more" if further > 0 else "")


_MEASURES: Measures[_Warehouse] = (
    (WAREHOUSE_REACHABLE, _Warehouse.reachable),
    (WAREHOUSE_RESPONSE_SECONDS, _Warehouse.response_seconds),
    (WAREHOUSE_WRITABLE, _Warehouse.writable),
    (WAREHOUSE_SCHEMA, _Warehouse.schema),
)


def checks(context: HealthContext) -> Iterator[Check]:
    yield from checks_of(_MEASURES, _Warehouse(context))
    yield from checks_of(USAGE_MEASURES, WarehouseUsage(context))


AREA = Area("warehouse", rules_of(_MEASURES, USAGE_MEASURES), checks)
