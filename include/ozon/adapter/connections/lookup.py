"""Airflow's connections; secrets stay in whatever secrets backend Airflow uses."""

from __future__ import annotations

import os

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ozon.errors import ConnectionSettingsError


def require_connection(connection_id: str) -> Connection:
    """Airflow's connection of that name. Raises ConnectionSettingsError where there is none that it can read."""
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        variable = f"AIRFLOW_CONN_{connection_id.upper()}"
        # Airflow passes over a variable that it cannot read as if it were not there.
        if os.environ.get(variable):
            raise ConnectionSettingsError(
                f"Airflow cannot read its connection {connection_id} from the variable {variable}. Expected JSON such "
                'as {"conn_type": ..., "host": ..., "login": ..., "password": ...}, or a URI; README shows its fields.'
            ) from None
        raise ConnectionSettingsError(
            f"Airflow has no connection {connection_id}. Add it in Airflow (Admin, Connections) or set the variable "
            f"{variable}; README shows its fields."
        ) from None
