"""The files beside the code, in a clone or in an installed package: DAGs, tested versions, configuration.

In a clone they are in its root. A wheel has copies in ``project_files``, which pyproject.toml lists, because a package
has no root of its own. ``python -m include.ozon.project`` prints the folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from include.ozon.files import airflow_home

PROJECT = Path(__file__).resolve().parents[2]
"""The folder on Python's path that has ``include``."""

_PACKED = Path(__file__).with_name("project_files")
IS_INSTALLED = _PACKED.is_dir()
FILES = _PACKED if IS_INSTALLED else PROJECT

DAGS = FILES / "dags"
REQUIREMENTS = FILES / "requirements.txt"
CONFIGURATION = FILES / "config" / "ozon.toml"


def configuration_file(environ: Mapping[str, str]) -> Path:
    """Return the file in ``OZON_CONFIG``, or the clone's; for an installed package ``$AIRFLOW_HOME/config/ozon.toml``.

    People change that file, and the next version would overwrite the one in the package.
    """
    if chosen := environ.get("OZON_CONFIG"):
        return Path(chosen)
    return airflow_home(environ) / "config" / "ozon.toml" if IS_INSTALLED else CONFIGURATION


if __name__ == "__main__":
    print(FILES)
