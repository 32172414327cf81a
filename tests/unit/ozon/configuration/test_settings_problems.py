"""The configuration's errors: place, key, found value and allowed values."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from include.ozon.configuration import load_settings, schema
from include.ozon.errors import ConfigurationError
from include.ozon.settings.base import Section

Problems = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("retry.retries = true", "retry.retries = true; allowed: whole number, from 0 to 10"),
        ('retry.retries = "3"', 'retry.retries = "3"; allowed: whole number, from 0 to 10'),
        ("retry.retries = 3.0", "retry.retries = 3.0; allowed: whole number, from 0 to 10"),
        ("retry.retries = 11", "retry.retries = 11; allowed: whole number, from 0 to 10"),
        (
            "retry.backoff_multiplier = inf",
            "retry.backoff_multiplier = Infinity; allowed: number, from 1 to 10",
        ),
        ("api.page_size = 1001", "api.page_size = 1001; allowed: whole number, from 1 to 1000"),
        ("api.requests_per_second = 0", "api.requests_per_second = 0; allowed: whole number, from 1 to 50"),
        ("api.read_timeout_seconds = 0", "api.read_timeout_seconds = 0; allowed: number, above 0 to 600"),
        ("inventory.seller_warehouses = 1", "inventory.seller_warehouses = 1; allowed: true or false"),
        ("guards.vanished.min_count = 0", "guards.vanished.min_count = 0; allowed: whole number, from 1"),
        (
            "guards.vanished.threshold_pct = nan",
            "guards.vanished.threshold_pct = NaN; allowed: number, from 0 to 100",
        ),
        (
            'guards.vanished.level = "halt"',
            'guards.vanished.level = "halt"; allowed: text, one of stop, warn, off',
        ),
        ("tasks.pool = 2026-01-02", 'tasks.pool = "2026-01-02"; allowed: text, not empty'),
        ('tasks.pool = "  "', 'tasks.pool = "  "; allowed: text, not empty'),
        ("retry = 3", "retry is a single value; expected a table"),
        ("retry.retries = {}", "retry.retries is a table; allowed: whole number, from 0 to 10"),
        ("[[default.retry]]", "retry is a single value; expected a table"),
        (
            'schedule.etl = "0 2 * *"',
            'schedule.etl = "0 2 * *" (expected 5 fields, found 4); allowed: text, cron expression of five fields',
        ),
        (
            'time_zone = "Europe/Moskau"',
            'time_zone = "Europe/Moskau" (unknown time zone); allowed: text, IANA time zone, such as `Europe/Moscow`',
        ),
    ],
)
def test_wrong_value_is_reported_with_its_place_and_the_allowed_values(
    problems: Problems, toml: str, line: str
) -> None:
    table = "" if toml.startswith("[") else "[default]\n"

    assert problems(f"{table}{toml}") == [f"ozon.toml [default]: {line}"]


@pytest.mark.parametrize("expression", ["61 * * * *", "x * * * *", "@daily", "0 0 30 2 *", "R 2 * * *", "H H * * *"])
def test_schedule_that_never_fires_or_is_random_is_refused(problems: Problems, expression: str) -> None:
    [line] = problems(OZON__SCHEDULE__ETL=expression)

    assert line.startswith(f'OZON__SCHEDULE__ETL: schedule.etl = "{expression}" (')


@pytest.mark.parametrize("name", ["", "Europe", "../etc/passwd", "/etc/localtime", "Nowhere/At_All", "a\x00b"])
def test_unknown_time_zone_is_refused(problems: Problems, name: str) -> None:
    [line] = problems(OZON__TIME_ZONE=name)

    assert line.startswith("OZON__TIME_ZONE: time_zone = ")


@pytest.mark.parametrize(
    ("toml", "hint"),
    [
        ("[default.api]\npage_sise = 1", "unknown setting 'api.page_sise'; did you mean 'api.page_size'?"),
        ("[default.schedul]\netl = 1", "unknown setting 'schedul'; did you mean 'schedule'?"),
        ("[default.load]\nretries = 1", "unknown setting 'load.retries'; did you mean 'retry.retries'?"),
        (
            "[default.accounts.main2]\ntitle = 'x'\ntitel = 'x'",
            "unknown setting 'accounts.main2.titel'; did you mean 'accounts.main2.title'?",
        ),
        ("[default.zzz]", "unknown setting 'zzz'; docs/configuration.md lists all settings"),
        ("[default.environment]", "unknown setting 'environment'; docs/configuration.md lists all settings"),
    ],
)
def test_unknown_key_has_a_suggestion(problems: Problems, toml: str, hint: str) -> None:
    assert problems(toml) == [f"ozon.toml [default]: {hint}"]


def test_unknown_keys_of_another_environment_are_found_too(problems: Problems) -> None:
    assert problems("[testing.retry]\nretrys = 1\n", "production") == [
        "ozon.toml [testing]: unknown setting 'retry.retrys'; did you mean 'retry.retries'?"
    ]


def test_tables_outside_the_environments(problems: Problems) -> None:
    assert problems("testing = 1\n[prodution]\n[api]") == [
        "ozon.toml: expected testing to be a table, [testing]",
        "ozon.toml: unknown environment [prodution]; "
        "allowed: [default], [development], [testing], [production]; "
        "did you mean [production]?",
        "ozon.toml: api is outside of [default], [development], [testing], [production]; "
        "move it into one of these tables",
    ]


@pytest.mark.parametrize("account", ["Main", "1st", "a-b", '"a.b"', '""', "a" * 41, '"главный"'])
def test_name_that_no_connection_can_have_is_refused(problems: Problems, account: str) -> None:
    name = account.strip('"')

    assert problems(f'[default.accounts.{account}]\ntitle = "x"\n') == [
        f"ozon.toml [default]: the name of accounts.{name} is not allowed; "
        "allowed: table, at least one in it; names of a-z, 0-9 and _, a letter first, 40 characters at most"
    ]


def test_account_without_title(problems: Problems) -> None:
    assert problems("[default.accounts.second]") == [
        "ozon.toml: accounts.second.title is missing; allowed: text, not empty"
    ]


def test_number_without_bounds_is_finite() -> None:
    class Unbounded(Section):
        value: float

    with pytest.raises(ValidationError, match="finite"):
        Unbounded(value=math.inf)


@pytest.mark.parametrize("account", ["", "[default.accounts]\n"])
def test_no_account_at_all(problems: Problems, account: str) -> None:
    [line] = problems(account=account)

    assert "accounts" in line
    assert "at least one in it" in line


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("OZON__RETRY__RETRYS", "unknown setting 'retry.retrys'; did you mean 'OZON__RETRY__RETRIES'?"),
        ("OZON__RETRIES", "unknown setting 'retries'; did you mean 'OZON__RETRY__RETRIES'?"),
        (
            "OZON__GUARD__VANISHED__LEVEL",
            "unknown setting 'guard.vanished.level'; did you mean 'OZON__GUARDS__VANISHED__LEVEL'?",
        ),
        ("OZON__RETRY", "names a table; add two underscores and the key of a setting in it"),
        ("OZON__ACCOUNTS__MAIN", "names a table; add two underscores and the key of a setting in it"),
        ("OZON__", "unknown setting ''; docs/configuration.md lists all settings"),
        ("OZON__RETRY__RETRIES__NOW", "unknown setting 'retry.retries.now'; did you mean 'OZON__RETRY__RETRIES'?"),
    ],
)
def test_variable_that_names_no_setting(problems: Problems, variable: str, line: str) -> None:
    assert problems(**{variable: "1"}) == [f"{variable}: {line}"]


def test_two_variables_for_one_setting(problems: Problems) -> None:
    assert problems(OZON__RETRY__RETRIES="1", ozon__retry__retries="2") == [
        "ozon__retry__retries: sets the same value as OZON__RETRY__RETRIES; keep one of them"
    ]


def test_variables_of_a_similar_name_are_not_ours(load: Callable[..., object]) -> None:
    load(OZON_WAREHOUSE_DSN="x", OZON_RETRY="x", AIRFLOW__CORE__POOL="x")


@pytest.mark.parametrize("environment", ["prod", "default", "Production"])
def test_unknown_environment(problems: Problems, environment: str) -> None:
    [line] = problems(environment=environment)

    assert line.startswith(f'OZON_ENV: unknown environment "{environment}"; allowed: development, testing, production')


@pytest.mark.parametrize(
    "toml",
    [
        '[default.accounts.main2]\ntitle = "x"\napi_key = "hunter2"',
        '[default.accounts.main2]\ntitle = "x"\nApiKey = "hunter2"',
        '[default.api]\nclient_id = "hunter2"',
        '[default.warehouse]\npassword = "hunter2"',
        '[default]\nwarehouse_dsn = "hunter2"',
        '[testing.warehouse]\npassword = "hunter2"',
        '[password]\nx = "hunter2"',
    ],
)
def test_secret_is_refused_without_its_value_and_with_its_connection(problems: Problems, toml: str) -> None:
    [line] = problems(toml)

    assert "ozon_api_" in line
    assert "hunter2" not in line


def test_secret_of_an_account_names_its_connection(problems: Problems) -> None:
    [line] = problems(OZON__ACCOUNTS__MAIN__API_KEY="hunter2")

    assert line == (
        "OZON__ACCOUNTS__MAIN__API_KEY: accounts.main.api_key looks like a credential, which must not be "
        "in the configuration; Client-Id and Api-Key belong in the Airflow connection ozon_api_main "
        "(login and password), those of the warehouse in ozon_warehouse"
    )


def test_value_under_a_misspelt_or_misplaced_key_is_not_shown(problems: Problems) -> None:
    lines = problems(
        '[default]\nwarehouse = "postgresql://u:hunter2@h/d"\napikee = "hunter2"\nretry.retries = { x = "hunter2" }',
        OZON__WAREHOUSE="postgresql://u:hunter2@h/d",
    )

    assert len(lines) == 4
    assert "hunter2" not in "".join(lines)


def test_long_value_is_shortened(problems: Problems) -> None:
    [line] = problems(OZON__SCHEDULE__ETL="x" * 10_000)

    assert len(line) < 300


def test_all_problems_are_reported_at_once(problems: Problems) -> None:
    lines = problems(
        '[default.retry]\nretries = "many"\nfirst_delay_seconds = 300\nmax_delay_seconds = 100\n'
        '[default.schedule]\netl = "never"\n'
        "[default.guards]\nprice_change.threshold_pct = 100\nvanishd = {}\n"
        '[default.accounts.Second]\ntitle = "x"\n',
        "prod",
        OZON__API__PAGE_SIZE="0",
        OZON__API__SIZE="1",
    )

    starts = [
        "OZON_ENV: ",
        "OZON__API__SIZE: ",
        "ozon.toml [default]: unknown setting 'guards.vanishd'",
        "ozon.toml [default]: the name of accounts.Second is not allowed",
        "ozon.toml [default]: schedule.etl = ",
        "ozon.toml [default]: retry.retries = ",
        "OZON__API__PAGE_SIZE: api.page_size = 0",
        "ozon.toml: retry.first_delay_seconds = 300 (default), retry.max_delay_seconds = 100 (default): ",
        "ozon.toml: guards.price_change.level = ",
    ]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


def test_missing_file_and_wrong_variables_are_reported_together(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"

    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, "prod", {"OZON__NOTHING": "1"})

    message = str(caught.value)
    assert message.startswith("The configuration has 3 problems:\n")
    assert f"{path}: file not found; OZON_CONFIG can name another one" in message


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[default]\n\nretry = = 3\n", "is not valid TOML: Invalid value (at line 3, column 9)"),
        (b"[default]\nx = 1\nx = 2\n", "is not valid TOML: Cannot overwrite a value (at line 3"),
        (b"[default]\ntitle = '\xff'\n", "is not UTF-8 text (at byte 19)"),
    ],
)
def test_file_that_is_not_toml_is_reported_with_the_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "ozon.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, "production", {})

    assert f"{path}: {sentence}" in str(caught.value)


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(tmp_path, "production", {})


@given(position=st.integers(0, 100), other=st.sampled_from("abcdefghijklmnopqrstuvwxyz"), data=st.data())
@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_one_wrong_letter_is_always_recognised(position: int, other: str, data: st.DataObject) -> None:
    keys = [setting.key for setting in schema.settings_below() if setting.key.count(".") == 1]
    key = data.draw(st.sampled_from(keys))
    table, name = key.split(".")
    misspelt = name[: position % len(name)] + other + name[position % len(name) + 1 :]
    assume(misspelt != name and len(name) > 3)
    assume(not any(_differs_in_one_letter(f"{table}.{misspelt}", each) for each in keys if each != key))

    assert schema.suggestion([table, misspelt]) == key


def _differs_in_one_letter(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= 1
