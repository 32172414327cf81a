"""A Celery worker, if the CeleryExecutor is used: ``python -m include.ozon_local.container.worker``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    executor = os.environ.get("AIRFLOW__CORE__EXECUTOR", "")
    if executor != "CeleryExecutor":
        # It would start, look healthy and never get a task.
        sys.exit(f"Expected the CeleryExecutor, found {executor}: start with `make docker-up PROFILE=celery`.")
    os.execvp("airflow", ["airflow", "celery", "worker"])


if __name__ == "__main__":
    main()
