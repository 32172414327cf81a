"""``python -m include.ozon_local.container.healthy PART``: exit code 0 where this container's part of Airflow is well.

The API server tells what each part's last heartbeat was. Airflow's own ``airflow jobs check`` would say the same, but
imports all of Airflow for it: four seconds of a core, every few seconds, in each container.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psutil

ANSWER_SECONDS = 8
# What the API server calls itself is the database that it cannot do without.
PARTS = {"api-server": "metadatabase", "scheduler": "scheduler", "triggerer": "triggerer"} | {
    "dag-processor": "dag_processor"
}


def is_healthy(report: Mapping[str, Any], started_at: float) -> bool:
    """Whether a part is well; a heartbeat from before this container's start is the former one's."""
    beats = [beat for name, beat in report.items() if name.endswith("_heartbeat") and beat]
    return report.get("status") == "healthy" and all(
        datetime.fromisoformat(beat).timestamp() >= started_at for beat in beats
    )


def main() -> int:
    part = PARTS[sys.argv[1]]
    address = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    with urllib.request.urlopen(f"{address}/api/v2/monitor/health", timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        report = json.load(answer)[part]
    if is_healthy(report, psutil.Process(1).create_time()):
        return 0
    print(report)
    return 1


if __name__ == "__main__":
    sys.exit(main())
