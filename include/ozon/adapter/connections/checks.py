"""Checks of the connections: the warehouse, Ozon, and the alert channels."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

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
    """Check the server of ``ozon_warehouse``. Raise the errors of `warehouse_connect` and `open_session`."""
    connect = warehouse_connect(settings.warehouse)
    with open_session(connect, settings.warehouse, "ozon doctor") as connection:
        yield from _server(connection)
        require_temporary_tables(connection)
        with open_session(connect, settings.warehouse, "ozon doctor") as another:
            yield _sessions(connection, another)


def encryption(connection: Connection) -> Check:
    """Check that a session with another machine is encrypted, and that the machine is the right one."""
    info = connection.info
    mode = info.get_parameters().get("sslmode", "prefer")
    if not info.hostaddr or ip_address(info.hostaddr).is_loopback:
        return Check("encryption", "ok", "The warehouse is on this machine.")
    if mode == "verify-full":
        return Check("encryption", "ok", "Sessions are encrypted, and the server's certificate is verified.")
    found = (
        "is encrypted, but the server's certificate is not verified" if info.pgconn.ssl_in_use else "is not encrypted"
    )
    return Check(
        "encryption",
        "warning",
        f"The session with {info.host} {found} (sslmode {mode}). Unless the network is your own, set extra of "
        'connection ozon_warehouse to {"sslmode": "verify-full", "sslrootcert": "system"}.',
    )


def _server(connection: Connection) -> Iterator[Check]:
    row = connection.execute(_SERVER).fetchone()
    now = datetime.now(tz=UTC).timestamp()
    version, database, role, may_create, has_schema, clock = row or (0, "", "", False, False, now)
    if version < OLDEST_POSTGRES:
        yield Check("warehouse", "failed", f"Expected PostgreSQL 15 or newer, found {version}: upgrade it.")
    elif not (may_create or has_schema):
        yield Check(
            "warehouse",
            "failed",
            f"Role {role} may not create schemas in database {database}, and the schema ozon does not exist: "
            f"GRANT CREATE ON DATABASE {database} TO {role}, or make it the database's owner.",
        )
    else:
        yield Check("warehouse", "ok", f"Database {database} answers: PostgreSQL {version}, role {role}.")
    yield encryption(connection)
    ahead_seconds = float(clock) - now
    if abs(ahead_seconds) > _MOST_CLOCK_SECONDS:
        yield Check(
            "clock",
            "failed",
            f"The warehouse's clock and this machine's are {abs(ahead_seconds):.0f} seconds apart, so runs would be "
            "recorded with wrong times. Set both clocks with NTP.",
        )
    else:
        yield Check("clock", "ok", "The warehouse's clock agrees with this machine's.")


def _sessions(connection: Connection, another: Connection) -> Check:
    """Check that two open connections have separate server processes; with a pooler they may share one."""
    processes = [each.execute("SELECT pg_backend_pid()").fetchone() for each in (connection, another)]
    if processes[0] == processes[1]:
        return Check(
            "sessions",
            "failed",
            "The connection to the warehouse uses a pooler without session pooling, so the lock of an account has no "
            "effect. Set its pool_mode to session, or connect ozon_warehouse to PostgreSQL directly.",
        )
    return Check("sessions", "ok", "Each connection to the warehouse has a session of its own.")


def warehouse_schema(settings: Settings) -> Iterator[Check]:
    """Check that the schema is that of this version, and may be written to.

    Raise SchemaError if it is another version's, and AccessDeniedError if the role may not read it.
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
    """Raise ConfigurationError if two accounts have the same Client-Id."""
    check_accounts_are_distinct(settings.accounts)
    yield Check("accounts", "ok", f"{len(settings.accounts)} in the configuration, each with a Client-Id of its own.")


def account_key(account: str, settings: Settings) -> Iterator[Check]:
    """Check that Ozon answers, accepts the account's key, and lets it call every method that the load needs.

    Raise ConnectionSettingsError if the connection is missing or incomplete.
    """
    require_connection(api_connection_id(account))
    context = health_context(settings, datetime.now(tz=UTC), None)
    of_the_key = {api.API_REACHABLE, api.API_KEY, api.API_METHODS, api.API_KEY_EXPIRES_DAYS}
    try:
        wanted = [check for check in api.checks(context) if check.account == account and check.rule in of_the_key]
        results = run_checks("api", wanted)
    finally:
        context.close()
    # Only the worst: the others are mostly its consequences.
    worst_first = (Status.CRITICAL, Status.WARNING, Status.ERROR, Status.UNKNOWN, Status.OK)
    shown = next(result for status in worst_first for result in results if result.status is status)
    yield _as_check(f"account {account}", shown)


def channels(settings: Settings) -> Iterator[Check]:
    """Check that alerts reach somebody."""
    if not settings.alerts.channels:
        yield Check(
            "channels",
            "warning",
            "No channel is configured, so nobody is notified of problems: add a table "
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
    """Check the connection of the dead man's switch, if one is configured, without calling it."""
    connection_id = settings.health.heartbeat_connection
    if connection_id:
        require_connection(connection_id)
        try:
            heartbeat_url(BaseHook.get_connection(connection_id))
        except ValueError:
            raise ConnectionSettingsError(
                f"Connection {connection_id} of health.heartbeat_connection has no host; set its host to the address."
            ) from None
        yield Check("heartbeat", "ok", f"Connection {connection_id} has an address.")


def _mail_server(connection_id: str) -> str:
    """Sign in to the mail server. Raise ConnectionSettingsError if the connection is missing or the sign-in fails."""
    require_connection(connection_id)
    try:
        with MailHook(connection_id):
            return f"The mail server of connection {connection_id} accepts the sign-in."
    except (OSError, RuntimeError, ValueError, smtplib.SMTPException, AirflowException) as error:
        # Without its message: the server may quote what was sent to it.
        raise ConnectionSettingsError(
            f"The sign-in to the mail server of connection {connection_id} failed ({type(error).__name__}). Check that "
            "it runs, and the connection's host, port, login, password, disable_ssl and disable_tls."
        ) from None


def _addresses(connection_id: str) -> str:
    """Check the addresses, without sending anything."""
    return f"Connection {connection_id} has {len(apprise_services(connection_id))} addresses that Apprise accepts."


def _checks(name: str, wanted: Iterable[HealthCheck]) -> Iterator[Check]:
    for result in run_checks(name, wanted):
        yield _as_check(name, result)


def _as_check(name: str, result: CheckResult) -> Check:
    return Check(name, _STATUSES[result.status], result.message)
