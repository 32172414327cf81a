"""Files in a folder or a bucket, through Airflow's ObjectStoragePath."""

from __future__ import annotations

import secrets
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from include.ozon.errors import ConfigurationError
from include.ozon.files import local_folder


def save_report(folder: str, name: str, content: bytes) -> str:
    """Write a report below ``reports.folder`` and return its address.

    A relative folder is below AIRFLOW_HOME. Raise ConfigurationError if the report cannot be written.
    """
    try:
        file = ObjectStoragePath(str(local_folder(folder) or folder)) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.protocol in ("", "file"):
            _replace(Path(file.path), content)
        else:  # a bucket shows an object only when it is complete
            file.write_bytes(content)
    except Exception as error:
        # Without its message: a bucket's client may quote its address with credentials in it.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise ConfigurationError(
            f"The report {name} cannot be saved in reports.folder ({reason}). Expected a folder that may be "
            "written to, or a bucket's address with an Airflow connection; correct reports.folder."
        ) from None
    return str(file).removeprefix("file://")


def _replace(file: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees either the old report or the new one."""
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        fresh.write_bytes(content)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
