"""One load by one contender, measured in its own process.

``python -m tests.benchmarks.measure CONTENDER BASE_URL DSN FOLDER`` prints a `Sample` as JSON. The clock starts after
the imports and stops at the end of ``load``; peak memory is that of the process, including imports.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """The figures of one load; ``cpu_seconds`` are those of the client, without PostgreSQL and the page server."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float


def measure(contender: str, base_url: str, dsn: str, folder: Path) -> Sample:
    """Run one load in a fresh interpreter. Raises RuntimeError with the end of its stderr if it fails."""
    command = [sys.executable, "-m", "tests.benchmarks.measure", contender, base_url, dsn, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{contender} failed:\n{done.stderr[-3000:]}")
    return Sample(**json.loads(done.stdout.splitlines()[-1]))


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_memory_mb() -> float:
    """Return the peak memory of this process so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def seconds_of(action: Callable[[], object]) -> float:
    started_at = time.perf_counter()
    action()
    return time.perf_counter() - started_at


def main() -> None:
    name, base_url, dsn, folder = sys.argv[1:]
    contender = importlib.import_module(f"tests.benchmarks.contenders.{name}")
    started_at, cpu_before = time.perf_counter(), _cpu_seconds()
    contender.load(base_url, dsn, Path(folder))
    sample = Sample(
        wall_seconds=time.perf_counter() - started_at,
        cpu_seconds=_cpu_seconds() - cpu_before,
        peak_memory_mb=peak_memory_mb(),
    )
    if "airflow" in sys.modules:
        raise RuntimeError(f"{name} imported Airflow, which takes 100 MB and longer than a small load")
    print(json.dumps(vars(sample)))


if __name__ == "__main__":
    main()
