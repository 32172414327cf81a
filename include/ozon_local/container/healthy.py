"""Health check of this container's part of Airflow: ``python -m include.ozon_local.container.healthy PART``.

The exit code is 0 if it is healthy. The API server reports each part's last heartbeat. ``airflow jobs check`` would
give the same result, but imports all of Airflow: four seconds of a core, every few seconds, in each container.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request

import psutil

from include.ozon.diagnosis.airflow_health import HEALTH_PATH, METADATA, parse_health

ANSWER_SECONDS = 8
PARTS = {"api-server": METADATA, "scheduler": "scheduler", "triggerer": "triggerer"} | {
    "dag-processor": "dag_processor"
}


def main() -> int:
    part = PARTS[sys.argv[1]]
    address = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    with urllib.request.urlopen(f"{address}{HEALTH_PATH}", timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        report = parse_health(json.load(answer))[part]
    if report.is_healthy(psutil.Process(1).create_time()):
        return 0
    print(report)
    return 1


if __name__ == "__main__":
    sys.exit(main())
