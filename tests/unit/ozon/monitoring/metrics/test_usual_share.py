"""The usual visible share at an hour of the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.usual import usual_share
from tests.support.metrics import NOW, point

SETTINGS = load_settings(environment="testing", environ={})
HOUR = 1 / 24


def test_the_median_of_the_days_and_their_median_distance_from_it() -> None:
    shares = {1: 70.0, 2: 72.0, 3: 60.0, 4: 71.0, 5: 20.0}
    usual = usual_share([point(days, share) for days, share in shares.items()], NOW, SETTINGS)
    assert usual is not None
    assert (usual.visible_pct, usual.spread_points, usual.days) == (70.0, 2.0, 5)


def test_only_measurements_around_this_hour_count() -> None:
    in_time = [point(1 + 1.4 * HOUR), point(2 - 1.4 * HOUR), point(3)]
    too_far = [point(1 + 1.6 * HOUR, 10.0), point(2 - 1.6 * HOUR, 10.0), point(3.5, 10.0)]
    usual = usual_share([*too_far, *in_time], NOW, SETTINGS)
    assert usual is not None
    assert (usual.visible_pct, usual.days) == (70.0, 3)
    assert usual_share([*too_far, *in_time[:2]], NOW, SETTINGS) is None


def test_of_a_day_the_nearest_measurement_counts_once() -> None:
    days = [point(1, 70.0), point(1 + HOUR, 10.0), point(1 - HOUR, 10.0), point(2 + HOUR, 10.0), point(2, 70.0)]
    assert usual_share(days, NOW, SETTINGS) is None
    usual = usual_share([*days, point(3, 70.0)], NOW, SETTINGS)
    assert usual is not None
    assert (usual.visible_pct, usual.spread_points) == (70.0, 0.0)


def test_today_and_what_is_older_than_two_weeks_do_not_count() -> None:
    points = [point(HOUR, 10.0), point(15, 10.0), point(16, 10.0), point(14), point(1)]
    assert usual_share(points, NOW, SETTINGS) is None
    usual = usual_share([*points, point(2)], NOW, SETTINGS)
    assert usual is not None
    assert usual.days == 3


def test_an_hour_around_midnight_belongs_to_one_day() -> None:
    midnight = datetime(2026, 11, 23, 21, 5, tzinfo=UTC)  # 00:05 in Moscow
    ago = [timedelta(days=1, minutes=30), timedelta(days=2, minutes=-30), timedelta(days=3), timedelta(minutes=30)]
    points = [replace(point(0), measured_at=midnight - each) for each in ago]
    usual = usual_share(points, midnight, SETTINGS)
    assert usual is not None
    assert usual.days == 3


def test_the_clock_on_the_wall_counts_when_the_clocks_change() -> None:
    berlin = SETTINGS.model_copy(update={"time_zone": "Europe/Berlin"})
    # 08:00 in Berlin before and after 25 October 2026, when the clocks went back.
    after = datetime(2026, 10, 26, 7, 0, tzinfo=UTC)
    points = [replace(point(0), measured_at=datetime(2026, 10, day, 4, 45, tzinfo=UTC)) for day in (21, 22, 23)]
    assert usual_share(points, after, berlin) is not None
    later = [replace(point(0), measured_at=datetime(2026, 10, day, 7, 45, tzinfo=UTC)) for day in (21, 22, 23)]
    assert usual_share(later, after, berlin) is None


def test_without_products_there_is_no_share() -> None:
    assert usual_share([point(days, None) for days in (1, 2, 3)], NOW, SETTINGS) is None
    assert usual_share([], NOW, SETTINGS) is None
