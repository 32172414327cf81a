"""When a guard fires, and what it says."""

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
    ("count", "total", "fires"), [(0, 100, False), (20, 100, False), (21, 100, True), (100, 100, True), (1, 4, True)]
)
def test_a_guard_fires_above_its_threshold(count: int, total: int, fires: bool) -> None:
    assert vanished(count, total).fires is fires


def test_nothing_of_nothing_fires_nothing() -> None:
    assert not vanished(0, 0, pct=0).fires


def test_a_threshold_of_zero_fires_at_one() -> None:
    assert vanished(1, 1_000_000, pct=0).fires


@pytest.mark.parametrize(("least", "fires"), [(3, True), (4, False)])
def test_a_guard_needs_its_least_count(least: int, fires: bool) -> None:
    assert vanished(3, 4, least=least).fires is fires


def test_a_guard_that_is_off_does_not_look() -> None:
    assert not vanished(100, 100, level="off").fires
    assert not empty(100, level="off").fires


@pytest.mark.parametrize(("count", "fires"), [(0, False), (1, True)])
def test_a_guard_without_a_threshold_fires_at_one(count: int, fires: bool) -> None:
    assert empty(count).fires is fires


def test_the_sentence_says_what_was_seen_and_expected_and_what_lets_it_through() -> None:
    with pytest.raises(GuardStoppedError) as stopped:
        check_guards([vanished(30, 80), empty(5)], (), "main")

    sentence = str(stopped.value)
    assert stopped.value.guards == ("vanished", "empty_catalogue")
    assert "Account main" in sentence
    assert "guard vanished: 30 of 80 products are gone (37.5 %), where at most 20 % is expected" in sentence
    assert "where none is expected" in sentence
    assert 'accept_guard = ["vanished", "empty_catalogue"]' in sentence


def test_only_the_guards_that_still_stop_are_named() -> None:
    with pytest.raises(GuardStoppedError) as stopped:
        check_guards([vanished(30, 80), empty(5)], {"vanished"}, "main")

    assert stopped.value.guards == ("empty_catalogue",)


@pytest.mark.parametrize(("level", "accepted"), [("warn", set()), ("stop", {"vanished"})])
def test_what_fires_without_stopping_is_logged_and_returned(
    level: GuardLevel, accepted: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    observation = vanished(30, 80, level=level)

    with caplog.at_level(logging.WARNING, logger="ozon.guards"):
        fired = check_guards([observation, vanished(1, 80)], accepted, "main")

    assert fired == [observation.sentence]
    assert observation.sentence in caplog.text


def test_accepting_a_guard_that_is_off_does_not_switch_it_on() -> None:
    assert check_guards([vanished(30, 80, level="off")], {"vanished"}, "main") == []
