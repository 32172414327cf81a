"""The API server's answer about Airflow's processes, for the probe, `make up` and the containers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ozon.diagnosis.airflow_health import ProcessHealth, parse_health

BEAT_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_each_process_has_its_status_and_heartbeat() -> None:
    body = {
        "metadatabase": {"status": "healthy"},
        "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": BEAT_AT.isoformat()},
        "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
    }

    assert parse_health(body) == {
        "metadatabase": ProcessHealth("healthy", None),
        "scheduler": ProcessHealth("healthy", BEAT_AT),
        "triggerer": ProcessHealth("", None),
        "dag_processor": ProcessHealth("", None),
    }


@pytest.mark.parametrize(
    ("status", "beat_at", "is_healthy"),
    [
        ("healthy", BEAT_AT, True),
        ("healthy", None, True),
        ("healthy", datetime(2026, 3, 1, 11, tzinfo=UTC), False),
        ("unhealthy", BEAT_AT, False),
        ("", None, False),
    ],
)
def test_an_earlier_airflows_heartbeat_is_none(status: str, beat_at: datetime | None, is_healthy: bool) -> None:
    assert ProcessHealth(status, beat_at).is_healthy(started_at=BEAT_AT.timestamp()) is is_healthy
