"""What Airflow's API server answers about its processes, as the probe, `make up` and the containers read it."""

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
    ("status", "beat_at", "is_well"),
    [
        ("healthy", BEAT_AT, True),
        ("healthy", None, True),
        ("healthy", datetime(2026, 3, 1, 11, tzinfo=UTC), False),
        ("unhealthy", BEAT_AT, False),
        ("", None, False),
    ],
)
def test_an_earlier_airflows_heartbeat_is_none(status: str, beat_at: datetime | None, is_well: bool) -> None:
    assert ProcessHealth(status, beat_at).is_well(started_at=BEAT_AT.timestamp()) is is_well
