"""``python -m include.ozon_local.container.healthy PART``: exit code 0 where this container's part of Airflow is well.

The API server tells what each part's last heartbeat was. Airflow's own ``airflow jobs check`` would say the same, but
imports all of Airflow for it: four seconds of a core, every few seconds, in each container.
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
    if report.is_well(psutil.Process(1).create_time()):
        return 0
    print(report)
    return 1


if __name__ == "__main__":
    sys.exit(main())
