"""Guards: when they fire, and their messages."""

from __future__ import annotations

import logging

import pytest

from include.ozon.errors import GuardStoppedError
from include.ozon.pipeline.guards import Observation, check_guards
from include.ozon.settings import GuardLevel, GuardSettings, ThresholdGuardSettings


def vanished(count: int, total: int, *, level: GuardLevel = "stop", pct: float = 20, least: int = 1) -> Observation:
    settings = ThresholdGuardSettings(level=level, threshold_pct=pct, min_count=least)
    return Observation("vanished", settings, count, total, "products are gone")


def empty(count: int, level: GuardLevel = "stop") -> Observation:
    return Observation("empty_catalogue", GuardSettings(level=level), count, count, "products are listed no more")


@pytest.mark.parametrize(
    ("observation", "fires"),
    [
        # Above its threshold, not equal to it.
        (vanished(0, 100), False),
        (vanished(20, 100), False),
        (vanished(21, 100), True),
        (vanished(100, 100), True),
        (vanished(1, 4), True),
        (vanished(0, 0, pct=0), False),
        (vanished(1, 1_000_000, pct=0), True),
        # Only from its minimum count on.
        (vanished(3, 4, least=3), True),
        (vanished(3, 4, least=4), False),
        (vanished(100, 100, level="off"), False),
        (empty(100, level="off"), False),
        # Without a threshold from one on.
        (empty(0), False),
        (empty(1), True),
    ],
)
def test_when_a_guard_fires(observation: Observation, fires: bool) -> None:
    assert observation.fires is fires


def test_the_message_has_found_and_expected_values_and_the_accept_flag() -> None:
    with pytest.raises(GuardStoppedError) as stopped:
        check_guards([vanished(30, 80), empty(5)], (), "main")

    sentence = str(stopped.value)
    assert stopped.value.guards == ("vanished", "empty_catalogue")
    assert "Account main" in sentence
    assert "guard vanished: 30 of 80 products are gone (37.5 %), expected at most 20 %" in sentence
    assert "expected none" in sentence
    assert 'accept_guard = ["vanished", "empty_catalogue"]' in sentence


def test_only_guards_that_stop_are_named() -> None:
    with pytest.raises(GuardStoppedError) as stopped:
        check_guards([vanished(30, 80), empty(5)], {"vanished"}, "main")

    assert stopped.value.guards == ("empty_catalogue",)


@pytest.mark.parametrize(("level", "accepted"), [("warn", set()), ("stop", {"vanished"})])
def test_a_guard_that_only_warns_is_logged_and_returned(
    level: GuardLevel, accepted: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    observation = vanished(30, 80, level=level)

    with caplog.at_level(logging.WARNING, logger="ozon.guards"):
        fired = check_guards([observation, vanished(1, 80)], accepted, "main")

    assert fired == [observation.sentence]
    assert observation.sentence in caplog.text


def test_accepting_a_disabled_guard_does_not_enable_it() -> None:
    assert check_guards([vanished(30, 80, level="off")], {"vanished"}, "main") == []
