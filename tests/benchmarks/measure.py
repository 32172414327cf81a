"""One load by one contender, measured in a process of its own.

``python -m tests.benchmarks.measure CONTENDER BASE_URL DSN FOLDER`` prints a `Sample` as JSON. The clock runs from
behind the imports to the end of ``load``; peak memory is the whole process's, imports included.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """``cpu_seconds`` are the client process's, PostgreSQL's and the page server's not."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float


def measure(contender: str, base_url: str, dsn: str, folder: Path) -> Sample:
    """Run one load in a fresh interpreter. Raises RuntimeError with what it said where it fails."""
    command = [sys.executable, "-m", "tests.benchmarks.measure", contender, base_url, dsn, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{contender} failed:\n{done.stderr[-3000:]}")
    return Sample(**json.loads(done.stdout.splitlines()[-1]))


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_memory_mb() -> float:
    """This process's, up to now."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


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
        raise RuntimeError(f"{name} has imported Airflow, which takes longer than a small load and 100 MB")
    print(json.dumps(vars(sample)))


if __name__ == "__main__":
    main()
