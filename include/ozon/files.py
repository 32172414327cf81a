"""Private files, and the default folder of all state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from include.ozon.errors import FatalError


def write_private(file: Path, content: bytes | str) -> None:
    """Write a file atomically, readable by its owner only.

    Raises FatalError if it cannot be written.
    """
    fresh = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode())
        fresh.replace(file)
    except OSError as error:
        raise FatalError(
            f"{file} cannot be written ({error.strerror}). Choose another folder or fix its permissions."
        ) from None


def airflow_home(environ: Mapping[str, str] | None = None) -> Path:
    """Return AIRFLOW_HOME from ``environ``, by default the process's; Airflow's default if it is not set or empty."""
    return Path((os.environ if environ is None else environ).get("AIRFLOW_HOME") or "~/airflow").expanduser()


def local_folder(address: str) -> Path | None:
    """Return the folder of a setting like ``reports.folder``; None if it is a bucket's address."""
    path = address.removeprefix("file://")
    return None if "://" in path else airflow_home() / Path(path).expanduser()
