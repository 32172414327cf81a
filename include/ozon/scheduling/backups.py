"""Backups taken before a change, and the change as a diff."""

from __future__ import annotations

import difflib
import re
from datetime import datetime
from pathlib import Path

from include.ozon.errors import ConfigurationError
from include.ozon.files import write_private

_NONE = "-none"
_SUFFIX = ".bak"


def save_backup(folder: Path, kind: str, content: bytes | None, now: datetime) -> Path:
    """Save the content byte for byte, readable by its owner only, and return the file.

    The file's name contains ``now``, in UTC, and marks missing content (None). Raises FatalError if the folder is not
    writable.
    """
    stem = f"{kind}-{now:%Y-%m-%dT%H-%M-%SZ}"
    none = _NONE if content is None else ""
    # A second change within the same second must not overwrite the first one's backup.
    names = (f"{stem}{number}{none}{_SUFFIX}" for number in ("", *(f"-{n}" for n in range(2, 10_000))))
    file = next(file for name in names if not (file := folder / name).exists())
    write_private(file.absolute(), content or b"")
    return file.absolute()


def read_backup(file: Path) -> bytes | None:
    """Return the saved content. Raises ConfigurationError if the file cannot be read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The backup {file} cannot be read ({error.strerror}).") from None
    return None if not content and file.name.endswith(f"{_NONE}{_SUFFIX}") else content


def diff(before: bytes | None, after: bytes | None, name: str) -> str:
    """Return a unified diff; empty if nothing changes.

    Bytes that are not UTF-8 and control characters are escaped, so that they cannot affect a terminal.
    """
    old, new = (_shown_lines(content) for content in (before, after))
    lines = difflib.unified_diff(old, new, f"{name} as it is", f"{name} as it will be", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _shown_lines(content: bytes | None) -> list[str]:
    lines = re.findall(rb"[^\n]*\n|[^\n]+", content or b"")
    return [_shown(line) for line in lines]


def _shown(line: bytes) -> str:
    end = "" if line.endswith(b"\n") else " (no line end)"
    text = line.removesuffix(b"\n").decode(errors="backslashreplace")
    return "".join(each if each.isprintable() or each == "\t" else repr(each)[1:-1] for each in text) + end
