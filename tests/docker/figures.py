"""Figures of a test run, for the last line of `make test-docker`."""

from __future__ import annotations

import json
import os
from pathlib import Path

VARIABLE = "STACK_TEST_FIGURES"


def note(text: str) -> None:
    file = Path(os.environ[VARIABLE])
    file.write_text(json.dumps([*noted(file), text]))


def noted(file: Path) -> list[str]:
    found: list[str] = json.loads(file.read_text()) if file.exists() else []
    return found
