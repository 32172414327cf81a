"""Commands that tests run to their end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from include.ozon_local.home import ROOT

Done = subprocess.CompletedProcess[str]

OZON = Path(sys.executable).with_name("ozon")


def run(
    *command: object, env: Mapping[str, str] | None = None, cwd: Path = ROOT, timeout_seconds: float | None = None
) -> Done:
    """Return how a command ended and what it wrote; a failure is the test's to judge."""
    arguments = [str(part) for part in command]
    return subprocess.run(
        arguments, env=env, cwd=cwd, check=False, capture_output=True, text=True, timeout=timeout_seconds
    )
