"""This package as a folder on PYTHONPATH, for processes of the tests' environment, where it is installed."""

from __future__ import annotations

import os
from pathlib import Path

from include.ozon_local.home import ROOT

_HIDE_PACKAGE = """\
from functools import partial
from importlib import metadata

try:
    import importlib_metadata  # Airflow's on Python 3.11
except ImportError:
    importlib_metadata = metadata


def others(every, **options):
    return (found for found in every(**options) if found.name != "ozon-etl")


for module in {metadata, importlib_metadata}:
    module.distributions = partial(others, module.distributions)
"""


def not_installed(folder: Path) -> dict[str, str]:
    """Return variables with which Python imports the package, but finds no entry points of it."""
    (folder / "sitecustomize.py").write_text(_HIDE_PACKAGE)
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
