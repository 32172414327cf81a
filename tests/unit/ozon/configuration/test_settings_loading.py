"""The precedence and the sources of values, and the repository's own file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from include.ozon.configuration import load_settings
from include.ozon.configuration.sources import parse_text
from include.ozon.project import CONFIGURATION, PROJECT
from include.ozon.settings import Settings

Load = Callable[..., Settings]


def test_production_has_the_values_of_the_contract() -> None:
    settings = load_settings(environment="production", environ={})

    assert settings.time_zone == "Europe/Moscow"
    assert settings.schedule.etl == "0 2,8,14,20 * * *"
    assert settings.retry.model_dump() == {
        "retries": 3,
        "first_delay_seconds": 300,
        "backoff_multiplier": 2.0,
        "max_delay_seconds": 3600,
    }
    assert list(settings.accounts) == ["main"]
    assert settings.api.requests_per_second + settings.api.other_requests_per_second == 50
    guards = {name: (g["level"], g.get("threshold_pct")) for name, g in settings.guards.model_dump().items()}
    assert guards == {
        "empty_catalogue": ("stop", None),
        "vanished": ("stop", 20),
        "turned_invisible": ("warn", 30),
        "rejected": ("stop", 1),
        "price_change": ("stop", 50),
    }


@pytest.mark.parametrize("environment", ["development", "testing"])
def test_development_and_testing_retry_as_often_in_seconds(environment: str) -> None:
    settings = load_settings(environment=environment, environ={})

    assert settings.retry.retries == load_settings(environment="production", environ={}).retry.retries
    assert (settings.retry.first_delay_seconds, settings.retry.max_delay_seconds) == (2, 10)
    assert list(settings.accounts) == ["main", "second"]


def test_longest_waits_double_up_to_the_maximum() -> None:
    retry = load_settings(environment="production", environ={}).retry

    assert retry.longest_waits_seconds() == [600, 1200, 2400]
    assert retry.model_copy(update={"retries": 5}).longest_waits_seconds()[3:] == [3600, 3600]


def test_a_later_layer_counts_more_and_leaves_its_neighbours_alone(load: Load) -> None:
    settings = load(
        "[default.retry]\nretries = 1\nfirst_delay_seconds = 11\nmax_delay_seconds = 500\n"
        "[production.retry]\nfirst_delay_seconds = 12\nmax_delay_seconds = 501\n"
        "[testing.retry]\nretries = 9\n",
        OZON__RETRY__MAX_DELAY_SECONDS="502",
    )

    assert settings.retry.model_dump() == {
        "retries": 1,
        "first_delay_seconds": 12,
        "backoff_multiplier": 2.0,
        "max_delay_seconds": 502,
    }
    assert {key: origin for key, origin in settings.origins.items() if key.startswith("retry.")} == {
        "retry.retries": "default",
        "retry.first_delay_seconds": "production",
        "retry.backoff_multiplier": "built-in",
        "retry.max_delay_seconds": "OZON__RETRY__MAX_DELAY_SECONDS",
    }


def test_origins_name_every_setting(load: Load) -> None:
    def keys(values: dict[str, Any], prefix: str = "") -> set[str]:
        return {
            key
            for name, value in values.items()
            for key in (keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"})
        }

    settings = load()

    assert set(settings.origins) == keys(settings.model_dump())


def test_an_environment_adds_accounts_and_renames_them(load: Load) -> None:
    settings = load('[production.accounts]\nmain.title = "Renamed"\nsecond.title = "Added"\n')

    assert {name: account.title for name, account in settings.accounts.items()} == {
        "main": "Renamed",
        "second": "Added",
    }


def test_a_variable_is_case_insensitive_and_may_add_an_account(load: Load) -> None:
    settings = load(ozon__Guards__vanished__THRESHOLD_PCT="7.5", OZON__ACCOUNTS__OUTLET_2__TITLE="Outlet, Москва")

    assert settings.guards.vanished.threshold_pct == 7.5
    assert settings.guards.vanished.level == "stop"
    assert settings.accounts["outlet_2"].title == "Outlet, Москва"
    assert settings.origins["guards.vanished.threshold_pct"] == "ozon__Guards__vanished__THRESHOLD_PCT"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("1", True), ("off", False)])
def test_a_variable_switches_a_setting_on_and_off(load: Load, text: str, value: bool) -> None:
    assert load(OZON__INVENTORY__OZON_WAREHOUSES=text).inventory.ozon_warehouses is value


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (list[str], "a@x.ru, b@x.ru ,", ["a@x.ru", "b@x.ru"]),
        (list[str], '["a, with comma", "b"]', ["a, with comma", "b"]),
        (list[int], "1,2", [1, 2]),
        (list[int], "[1, 2]", [1, 2]),
        (list[int], "1,two", "1,two"),
        (int, "07", 7),
        (int, "7.5", "7.5"),
        (str, "07", "07"),
    ],
)
def test_a_variable_is_parsed_by_the_settings_type(annotation: Any, text: str, value: object) -> None:
    assert parse_text(annotation, text) == value


@given(retries=st.integers(0, 10), multiplier=st.floats(1, 10), pct=st.floats(0, 99.9))
@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_variable_can_set_every_setting(retries: int, multiplier: float, pct: float) -> None:
    settings = load_settings(
        environment="testing",
        environ={
            "OZON__RETRY__RETRIES": str(retries),
            "OZON__RETRY__BACKOFF_MULTIPLIER": repr(multiplier),
            "OZON__GUARDS__REJECTED__THRESHOLD_PCT": repr(pct),
        },
    )

    assert settings.retry.retries == retries
    assert settings.retry.backoff_multiplier == multiplier
    assert settings.guards.rejected.threshold_pct == pct


def test_file_and_environment_come_from_variables(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text('[default.accounts.other]\ntitle = "Other"\n', encoding="utf-8")

    settings = load_settings(environ={"OZON_CONFIG": str(path), "OZON_ENV": "testing"})

    assert list(settings.accounts) == ["other"]
    assert settings.environment == "testing"


@pytest.mark.parametrize("environ", [{}, {"OZON_CONFIG": "", "OZON_ENV": ""}])
def test_without_variables_it_is_development_of_the_repositorys_file(environ: dict[str, str]) -> None:
    settings = load_settings(environ=environ)

    assert settings == load_settings(CONFIGURATION, "development", {})
    assert settings.environment == "development"


def test_settings_cannot_be_changed(load: Load) -> None:
    settings = load()

    with pytest.raises(ValidationError, match="frozen"):
        settings.retry.retries = 4


def test_import_needs_no_airflow() -> None:
    code = "import sys, include.ozon.settings; sys.exit('airflow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
