"""The health check, given what Airflow has: its connections, its folders, and what it says of itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from airflow.sdk import BaseHook, Connection
from airflow.sdk.configuration import conf

from include.ozon.adapter.connections.accounts import api_credentials
from include.ozon.adapter.connections.warehouse import late_warehouse_connect
from include.ozon.files import local_folder
from include.ozon.marketplace.client import SellerClient, other_client
from include.ozon.monitoring.health import areas, store
from include.ozon.monitoring.health.checks import AirflowProbe, HealthContext
from include.ozon.monitoring.health.heartbeat import ping
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.warehouse import session

logger = logging.getLogger("ozon.health")

# Of the dead-man's switch, which somebody else runs: the check waits for it no longer than it is worth.
_PING_SECONDS = 10


def measure_area(name: str, settings: Settings, now: datetime, airflow: AirflowProbe | None) -> list[CheckResult]:
    """What one area's checks find; raises nothing, since whatever they meet is a result."""
    try:
        context = health_context(settings, now, airflow)
        try:
            return areas.measure(name, context)
        finally:
            context.close()
    except Exception as error:
        return areas.unmeasured(name, error)


def health_context(settings: Settings, now: datetime, airflow: AirflowProbe | None) -> HealthContext:
    """What checks may look at. A missing connection is told by the checks that need it."""
    log_folder = Path(conf.get("logging", "base_log_folder")).expanduser()
    report_folder = local_folder(settings.reports.folder)
    return HealthContext(
        settings=settings,
        now=now,
        connect=late_warehouse_connect(settings.warehouse),
        open_client=lambda account: _open_client(account, settings),
        airflow=airflow,
        folders=[log_folder] if report_folder is None else [log_folder, report_folder],
        log_folder=log_folder,
    )


def store_results(settings: Settings, measured_at: datetime, results: Sequence[CheckResult]) -> None:
    """Keep them in ``ozon.health_checks``. Raises as `open_session` does."""
    connect = late_warehouse_connect(settings.warehouse)
    with session.open_session(connect, settings.warehouse, "ozon_health") as connection:
        store.save(connection, measured_at, results)


def ping_heartbeat(settings: Settings) -> bool | None:
    """Tell the dead-man's switch that the check has run; None where the configuration names none, and no error."""
    connection_id = settings.health.heartbeat_connection
    if not connection_id:
        return None
    try:
        url = heartbeat_url(BaseHook.get_connection(connection_id))
    except Exception as error:  # the check goes on; its message could hold the address
        logger.warning("The heartbeat's connection %s cannot be used (%s).", connection_id, type(error).__name__)
        return False
    return ping(url, _PING_SECONDS)


def heartbeat_url(connection: Connection) -> str:
    """The address in a connection of type http: the whole of it in ``host``, or in parts.

    Airflow reads ``https://host/path``, given as a variable's URI, with the path as ``schema``, where its own
    form has the scheme; both are understood. Raises ValueError where there is no host.
    """
    given, schema = connection.host or "", connection.schema or ""
    if not given:
        raise ValueError("no host")
    scheme = next((each for each in (schema, connection.conn_type) if each in ("http", "https")), "http")
    url = urlsplit(given if "://" in given else f"{scheme}://{given}")
    netloc = f"{url.netloc}:{connection.port}" if connection.port else url.netloc
    path = url.path if schema in ("", "http", "https") else f"{url.path.rstrip('/')}/{schema}"
    return urlunsplit((url.scheme, netloc, path, url.query, ""))


def _open_client(account: str, settings: Settings) -> SellerClient:
    return other_client(api_credentials(account), settings.api, settings.health.api_timeout_seconds)
