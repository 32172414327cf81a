"""Look-up of Airflow's connections; secrets stay in Airflow's secrets backend."""

from __future__ import annotations

import os

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ozon.errors import ConnectionSettingsError


def require_connection(connection_id: str) -> Connection:
    """Return Airflow's connection of that id. Raise ConnectionSettingsError if Airflow cannot read it."""
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        variable = f"AIRFLOW_CONN_{connection_id.upper()}"
        # Airflow ignores a variable that it cannot parse.
        if os.environ.get(variable):
            raise ConnectionSettingsError(
                f"Airflow cannot read its connection {connection_id} from the variable {variable}. Expected JSON like "
                '{"conn_type": ..., "host": ..., "login": ..., "password": ...}, or a URI: docs/first-steps.md.'
            ) from None
        raise ConnectionSettingsError(
            f"Airflow has no connection {connection_id}. Add it in Airflow (Admin, Connections) or set the variable "
            f"{variable}; docs/first-steps.md shows its fields."
        ) from None
