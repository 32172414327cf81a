"""The timeline of `make demo`: thirty days of scheduled loads, with events at fixed loads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from include.ozon.configuration import load_settings
from include.ozon_local.demo import timeline
from include.ozon_sandbox.effects import DeclineBrand, Sale
from include.ozon_sandbox.faults.registry import Faults

SETTINGS = load_settings(environment="development", environ={})
NOW = datetime(2026, 11, 28, 21, 30, tzinfo=UTC)


def planned(now: datetime = NOW) -> tuple[datetime, list[timeline.Load]]:
    tick_0_at = timeline.first_tick_0(SETTINGS, now)
    return tick_0_at, timeline.loads(SETTINGS, tick_0_at, now)


@pytest.mark.parametrize("hours", range(0, 24, 5))
def test_the_loads_are_those_of_thirty_days_by_the_schedule(hours: int) -> None:
    now = NOW + timedelta(hours=hours)
    _, loads = planned(now)

    assert len(loads) == 120
    assert [load.number for load in loads] == list(range(1, 121))
    assert {load.due_at.astimezone(UTC).hour for load in loads} == {23, 5, 11, 17}
    assert now - timedelta(hours=6, minutes=2) < loads[-1].due_at < now
    assert all(after.starts_at - before.starts_at > timedelta(hours=2) for before, after in pairwise(loads))


def test_no_run_has_the_id_of_airflows_run_for_the_same_moment() -> None:
    _, loads = planned()
    airflows = {f"scheduled__{load.due_at.isoformat()}" for load in loads}
    ids = {load.dag_run_id for load in loads}
    assert len(ids) == len(loads)
    assert not ids & airflows


def test_one_run_starts_late() -> None:
    _, loads = planned()
    late = [load.number for load in loads if load.starts_at - load.due_at > timedelta(seconds=30)]
    assert late == [timeline.LATE_LOAD]


def test_a_load_that_is_due_right_now_is_left_to_airflow() -> None:
    due = datetime(2026, 11, 28, 17, 0, tzinfo=UTC)
    assert planned(due + timedelta(seconds=20))[1][-1].due_at < due
    assert planned(due + timedelta(seconds=61))[1][-1].due_at == due


def test_later_loads_continue_the_numbers() -> None:
    tick_0_at, loads = planned()
    later = timeline.loads(SETTINGS, tick_0_at, NOW + timedelta(days=2))
    assert later[: len(loads)] == loads
    assert len(later) == len(loads) + 8


def test_the_sandbox_makes_each_event_at_its_load() -> None:
    _, loads = planned()
    faults = Faults(timeline.ACCOUNTS, seed=1)
    for fault in timeline.sandbox_faults(loads, SETTINGS):
        faults.add(fault)

    def loads_with(kind: type) -> set[int]:
        return {
            load.number
            for load in loads
            if any(isinstance(effect, kind) for effect in faults.truth_effects(timeline.SHOP, load.number))
        }

    assert loads_with(Sale) == set(timeline.SALE)
    assert loads_with(DeclineBrand) == {119, 120}
    for account in timeline.ACCOUNTS:
        failing = {
            load.number for load in loads if any(_is_server_error(fault) for fault in _firing(faults, account, load))
        }
        assert failing == set(timeline.OUTAGE)
    assert not _firing(faults, timeline.SHOP, timeline.Load(121, NOW))


def _firing(faults: Faults, account: str, load: timeline.Load) -> list[object]:
    fired = faults.firing(account, "/v3/product/list", load.number)
    return [fault for fault in fired if fault.effect() is None]


def _is_server_error(fault: object) -> bool:
    return type(fault).__name__ == "ServerError"
