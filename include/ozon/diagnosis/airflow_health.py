"""The public answer of Airflow's API server about its processes, at ``/api/v2/monitor/health``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

HEALTH_PATH = "/api/v2/monitor/health"
# The state of the API server itself is that of its database.
METADATA = "metadatabase"
_PROCESSES = (METADATA, "scheduler", "triggerer", "dag_processor")


@dataclass(frozen=True)
class ProcessHealth:
    """The state of a process. One that never ran has no status and no heartbeat; the database has no heartbeat."""

    status: str
    beat_at: datetime | None

    def is_healthy(self, started_at: float) -> bool:
        """Return whether it is healthy; a heartbeat before ``started_at`` is from an earlier Airflow."""
        return self.status == "healthy" and (self.beat_at is None or self.beat_at.timestamp() >= started_at)


def parse_health(body: Mapping[str, Any]) -> dict[str, ProcessHealth]:
    """Return the health of each process. Raise ValueError, TypeError or AttributeError for an unexpected answer."""
    return {name: _parse(name, body.get(name) or {}) for name in _PROCESSES}


def _parse(name: str, part: Mapping[str, Any]) -> ProcessHealth:
    beat_at = part.get(f"latest_{name}_heartbeat")
    return ProcessHealth(part.get("status") or "", datetime.fromisoformat(beat_at) if beat_at else None)
