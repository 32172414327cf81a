"""``python -m include.ozon_local.container.worker``: a Celery worker, where the scheduler hands tasks to workers."""

from __future__ import annotations

import os
import sys


def main() -> None:
    executor = os.environ.get("AIRFLOW__CORE__EXECUTOR", "")
    if executor != "CeleryExecutor":
        # It would start, look healthy and never be given a task.
        sys.exit(f"A worker needs the CeleryExecutor, not {executor}: start with `make docker-up PROFILE=celery`.")
    os.execvp("airflow", ["airflow", "celery", "worker"])


if __name__ == "__main__":
    main()
