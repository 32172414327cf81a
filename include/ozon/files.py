"""Files that only their owner may read, and the folder below which state is kept where no setting names a place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from include.ozon.errors import FatalError


def write_private(file: Path, content: bytes | str) -> None:
    """Write a file that only its owner may read, in one step: a reader sees the old content or the new.

    Raises FatalError where the machine does not let it.
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
            f"{file} cannot be written ({error.strerror}). Choose another folder or fix its rights."
        ) from None


def airflow_home(environ: Mapping[str, str] | None = None) -> Path:
    """AIRFLOW_HOME of ``environ``, by itself of this process; Airflow's own default where it is not set or empty."""
    return Path((os.environ if environ is None else environ).get("AIRFLOW_HOME") or "~/airflow").expanduser()


def local_folder(address: str) -> Path | None:
    """The folder that a setting such as ``reports.folder`` names; None where it is a bucket's address."""
    path = address.removeprefix("file://")
    return None if "://" in path else airflow_home() / Path(path).expanduser()
