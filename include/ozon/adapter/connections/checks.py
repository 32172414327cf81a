"""Whether what the connections lead to is there and lets us in: the warehouse, Ozon, and the channels of the alerts."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException

from include.ozon.adapter.alerting.channels import MailHook, apprise_services
from include.ozon.adapter.connections.accounts import api_connection_id, check_accounts_are_distinct
from include.ozon.adapter.connections.lookup import require_connection
from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.adapter.health.context import health_context, heartbeat_url
from include.ozon.checks import Check, CheckStatus
from include.ozon.errors import ConnectionSettingsError, OzonError
from include.ozon.monitoring.health import api, warehouse
from include.ozon.monitoring.health.checks import Check as HealthCheck
from include.ozon.monitoring.health.checks import run_checks
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.settings import Settings
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection, open_session, require_temporary_tables, translated_errors

OLDEST_POSTGRES = 15
_MOST_CLOCK_SECONDS = 30

_STATUSES: dict[Status, CheckStatus] = {
    Status.OK: "ok",
    Status.WARNING: "warning",
    Status.CRITICAL: "failed",
    Status.UNKNOWN: "unknown",
    Status.ERROR: "failed",
}

_SERVER = """
SELECT current_setting('server_version_num')::int / 10000, current_database(), current_user,
       has_database_privilege(current_database(), 'CREATE'), to_regnamespace('ozon') IS NOT NULL,
       extract(epoch FROM clock_timestamp())
"""


def warehouse_server(settings: Settings) -> Iterator[Check]:
    """The server behind ``ozon_warehouse``. Raises the errors of `warehouse_connect` and `open_session`."""
    connect = warehouse_connect(settings.warehouse)
    with open_session(connect, settings.warehouse, "ozon doctor") as connection:
        yield from _server(connection)
        require_temporary_tables(connection)
        with open_session(connect, settings.warehouse, "ozon doctor") as another:
            yield _sessions(connection, another)


def _server(connection: Connection) -> Iterator[Check]:
    row = connection.execute(_SERVER).fetchone()
    now = datetime.now(tz=UTC).timestamp()
    version, database, role, may_create, has_schema, clock = row or (0, "", "", False, False, now)
    if version < OLDEST_POSTGRES:
        yield Check("warehouse", "failed", f"PostgreSQL {version} was found, and 15 or newer is needed: upgrade it.")
    elif not (may_create or has_schema):
        yield Check(
            "warehouse",
            "failed",
            f"Role {role} may not create schemas in database {database}, and the schema ozon is not there: "
            f"GRANT CREATE ON DATABASE {database} TO {role}, or make it the database's owner.",
        )
    else:
        yield Check("warehouse", "ok", f"Database {database} answers: PostgreSQL {version}, role {role}.")
    ahead_seconds = float(clock) - now
    if abs(ahead_seconds) > _MOST_CLOCK_SECONDS:
        yield Check(
            "clock",
            "failed",
            f"The warehouse's clock and this machine's are {abs(ahead_seconds):.0f} seconds apart; runs would be "
            "recorded at wrong moments. Let both be set by NTP.",
        )
    else:
        yield Check("clock", "ok", "The warehouse's clock agrees with this machine's.")


def _sessions(connection: Connection, another: Connection) -> Check:
    """Two connections that are open at once share a server process only behind a pooler that lends it out."""
    processes = [each.execute("SELECT pg_backend_pid()").fetchone() for each in (connection, another)]
    if processes[0] == processes[1]:
        return Check(
            "sessions",
            "failed",
            "The warehouse is reached through a pooler that gives no connection a session of its own, so the lock of "
            "an account does not hold. Set its pool_mode to session, or let ozon_warehouse lead to PostgreSQL itself.",
        )
    return Check("sessions", "ok", "Each connection to the warehouse has a session of its own.")


def warehouse_schema(settings: Settings) -> Iterator[Check]:
    """Whether it is the schema of this version, and may be written to.

    Raises SchemaError where it is another's, and AccessDeniedError where the role may not look.
    """
    context = health_context(settings, datetime.now(tz=UTC), None)
    of_the_schema = {warehouse.WAREHOUSE_SCHEMA, warehouse.WAREHOUSE_WRITABLE}
    try:
        with translated_errors():
            require_head(context.connection())
        wanted = [check for check in warehouse.checks(context) if check.rule in of_the_schema]
        yield from _checks("schema", wanted)
    finally:
        context.close()


def accounts_are_distinct(settings: Settings) -> Iterator[Check]:
    """Raises ConfigurationError where two accounts are one to Ozon."""
    check_accounts_are_distinct(settings.accounts)
    yield Check("accounts", "ok", f"{len(settings.accounts)} in the configuration, each with a Client-Id of its own.")


def account_key(account: str, settings: Settings) -> Iterator[Check]:
    """Whether Ozon answers, accepts the account's key, and lets it call what the load needs.

    Raises ConnectionSettingsError where the connection is missing or incomplete.
    """
    require_connection(api_connection_id(account))
    context = health_context(settings, datetime.now(tz=UTC), None)
    of_the_key = {api.API_REACHABLE, api.API_KEY, api.API_METHODS, api.API_KEY_EXPIRES_DAYS}
    try:
        wanted = [check for check in api.checks(context) if check.account == account and check.rule in of_the_key]
        results = run_checks("api", wanted)
    finally:
        context.close()
    # The worst of them; what follows from it is not told again.
    worst_first = (Status.CRITICAL, Status.WARNING, Status.ERROR, Status.UNKNOWN, Status.OK)
    told = next(result for status in worst_first for result in results if result.status is status)
    yield _as_check(f"account {account}", told)


def channels(settings: Settings) -> Iterator[Check]:
    """Whether somebody is told when something is wrong."""
    if not settings.alerts.channels:
        yield Check(
            "channels",
            "warning",
            "No channel is configured, so nobody is told when something is wrong: add a table "
            f"[{settings.environment}.alerts.channels.team] to the configuration.",
        )
    for name, channel in settings.alerts.channels.items():
        check_name = f"channel {name}"
        try:
            found = (_mail_server if channel.kind == "email" else _addresses)(channel.connection)
        except OzonError as error:
            yield Check(check_name, "failed", str(error))
        else:
            yield Check(check_name, "ok", found)


def heartbeat(settings: Settings) -> Iterator[Check]:
    """The dead-man's switch, if there is one; it is not called."""
    connection_id = settings.health.heartbeat_connection
    if connection_id:
        require_connection(connection_id)
        try:
            heartbeat_url(BaseHook.get_connection(connection_id))
        except ValueError:
            raise ConnectionSettingsError(
                f"Connection {connection_id}, which health.heartbeat_connection names, has no host; give it the "
                "address."
            ) from None
        yield Check("heartbeat", "ok", f"Connection {connection_id} names an address.")


def _mail_server(connection_id: str) -> str:
    """Sign in and leave. Raises ConnectionSettingsError where the connection is missing or does not get us in."""
    require_connection(connection_id)
    try:
        with MailHook(connection_id):
            return f"The mail server of connection {connection_id} lets us in."
    except (OSError, RuntimeError, ValueError, smtplib.SMTPException, AirflowException) as error:
        # The server's own words may quote what was sent to it.
        raise ConnectionSettingsError(
            f"The mail server of connection {connection_id} does not let us in ({type(error).__name__}). Check that it "
            "runs, and the connection's host, port, login, password, disable_ssl and disable_tls."
        ) from None


def _addresses(connection_id: str) -> str:
    """Nothing is sent: whether somebody gets a message, only that person can tell."""
    return (
        f"Connection {connection_id} names {len(apprise_services(connection_id))} addresses that Apprise understands."
    )


def _checks(name: str, wanted: Iterable[HealthCheck]) -> Iterator[Check]:
    for result in run_checks(name, wanted):
        yield _as_check(name, result)


def _as_check(name: str, result: CheckResult) -> Check:
    return Check(name, _STATUSES[result.status], result.message)
