"""The warehouse as the commands reach it: by Airflow's connection, like the tasks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from include.ozon.settings import load_settings
from include.ozon.warehouse.session import Connect, Connection, open_session


def warehouse_connect() -> Connect:
    # Outside of its own processes Airflow looks for connections in the environment only, and not in its database,
    # where its web UI keeps them; `airflow connections test` sets this for the same reason.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    # Airflow takes seconds to import; `ozon --help` and `ozon config` do not need it.
    from include.ozon.adapter import connections  # noqa: PLC0415

    return connections.warehouse_connect(load_settings().warehouse)


@contextmanager
def warehouse_session() -> Iterator[Connection]:
    """A session of the ``ozon`` command. Raises the errors of ``open_session``."""
    with open_session(warehouse_connect(), load_settings().warehouse, "ozon") as connection:
        yield connection
