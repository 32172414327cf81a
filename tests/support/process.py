"""Commands that tests run and wait for."""

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
    """Run a command; return its exit code and output. A failure does not raise."""
    arguments = [str(part) for part in command]
    return subprocess.run(
        arguments, env=env, cwd=cwd, check=False, capture_output=True, text=True, timeout=timeout_seconds
    )
