"""Files that only their owner may read."""

from __future__ import annotations

import os
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
