"""Where state is kept that no setting names a place for: below Airflow's home."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def airflow_home(environ: Mapping[str, str] | None = None) -> Path:
    """AIRFLOW_HOME of ``environ``, by itself of this process; Airflow's own default where it is not set or empty."""
    return Path((os.environ if environ is None else environ).get("AIRFLOW_HOME") or "~/airflow").expanduser()


def local_folder(address: str) -> Path | None:
    """The folder that a setting such as ``reports.folder`` names; None where it is a bucket's address."""
    path = address.removeprefix("file://")
    return None if "://" in path else airflow_home() / Path(path).expanduser()
