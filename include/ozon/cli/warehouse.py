"""The commands' access to the warehouse: by Airflow's connection, like the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from include.ozon.cli.common import importing_airflow
from include.ozon.configuration import load_settings
from include.ozon.warehouse.session import Connect, Connection, open_session


def warehouse_connect() -> Connect:
    settings = load_settings()
    with importing_airflow():
        from include.ozon.adapter.connections import warehouse  # noqa: PLC0415

    return warehouse.warehouse_connect(settings.warehouse)


@contextmanager
def warehouse_session() -> Iterator[Connection]:
    """Open a session for the ``ozon`` command. Raise the errors of ``open_session``."""
    with open_session(warehouse_connect(), load_settings().warehouse, "ozon") as connection:
        yield connection
