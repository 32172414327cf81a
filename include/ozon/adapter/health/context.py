"""The context of the health check: Airflow's connections, folders and state."""

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

# The dead man's switch is an outside service: the check does not wait for it any longer.
_PING_SECONDS = 10


def measure_area(name: str, settings: Settings, now: datetime, airflow: AirflowProbe | None) -> list[CheckResult]:
    """Return the results of one area's checks; every error is a result, none is raised."""
    try:
        context = health_context(settings, now, airflow)
        try:
            return areas.measure(name, context)
        finally:
            context.close()
    except Exception as error:
        return areas.unmeasured(name, error)


def health_context(settings: Settings, now: datetime, airflow: AirflowProbe | None) -> HealthContext:
    """Return the checks' context. A missing connection is reported by the checks that need it."""
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
    """Store the results in ``ozon.health_checks``. Raise the errors of `open_session`."""
    connect = late_warehouse_connect(settings.warehouse)
    with session.open_session(connect, settings.warehouse, "ozon_health") as connection:
        store.save(connection, measured_at, results)


def ping_heartbeat(settings: Settings) -> bool | None:
    """Call the dead man's switch and return whether it accepted; None if none is configured. Never raises."""
    connection_id = settings.health.heartbeat_connection
    if not connection_id:
        return None
    try:
        url = heartbeat_url(BaseHook.get_connection(connection_id))
    except Exception as error:  # without its message, which may contain the address
        logger.warning("The heartbeat's connection %s cannot be used (%s).", connection_id, type(error).__name__)
        return False
    return ping(url, _PING_SECONDS)


def heartbeat_url(connection: Connection) -> str:
    """Return the address in a connection of type http, which is in ``host`` or in several fields.

    From a URI ``https://host/path`` in a variable, Airflow stores the path in ``schema``; its web form stores the
    scheme there. Both work. Raise ValueError if there is no host.
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
