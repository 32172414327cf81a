"""Migration of both databases, and the alert pool: ``python -m include.ozon_local.container.prepare``.

It finishes before any part of Airflow starts; safe to repeat.
"""

from __future__ import annotations

import subprocess
import sys

from include.ozon.configuration import load_settings


def main() -> int:
    for command in (["airflow", "db", "migrate"], ["ozon", "db", "upgrade"]):
        if _run(*command):
            print(f"`{' '.join(command)}` failed; the reason is above.", file=sys.stderr)
            return 1
    pool = load_settings().alerts.pool
    # Only if it is missing: somebody may have changed its slots.
    if _run("airflow", "pools", "get", pool, quiet=True) == 0:
        return 0
    return _run("airflow", "pools", "set", pool, "1", "Alerts of the Ozon ETL: one sender at a time")


def _run(*command: str, quiet: bool = False) -> int:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode


if __name__ == "__main__":
    sys.exit(main())
