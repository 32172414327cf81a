"""`ozon config validate` and `show`, as processes."""

from __future__ import annotations

import os

from tests.support import forked, process
from tests.support.documents import data_of


def ozon(*arguments: str, **variables: str) -> process.Done:
    return forked.ozon(*arguments, env={**os.environ, **variables})


def test_a_valid_configuration_is_named_with_its_accounts() -> None:
    done = ozon("config", "validate", OZON_ENV="testing")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The configuration is valid: environment testing, accounts main, second.\n"


def test_all_mistakes_are_listed_at_once_without_a_traceback() -> None:
    done = ozon("config", "validate", OZON_ENV="testin", OZON__SCHEDULE__ETL="daily", OZON__RETRY__RETRIES="many")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ozon: The configuration has 3 problems:")
    assert all(name in done.stderr for name in ("OZON_ENV", "OZON__SCHEDULE__ETL", "OZON__RETRY__RETRIES"))
    assert "Traceback" not in done.stderr


def test_a_configuration_that_is_wrong_is_a_document_too() -> None:
    done = ozon("config", "validate", "--output", "json", OZON_ENV="testin", OZON__RETRY__RETRIES="many")

    assert (done.returncode, done.stderr) == (2, "")
    document = data_of(done.stdout)
    assert document["valid"] is False
    assert [problem.partition(":")[0] for problem in document["problems"]] == ["OZON_ENV", "OZON__RETRY__RETRIES"]


def shown(*arguments: str, **variables: str) -> dict[str, tuple[object, str]]:
    done = ozon("config", "show", *arguments, "--output", "json", OZON_ENV="testing", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    return {each["key"]: (each["value"], each["from"]) for each in data_of(done.stdout)["settings"]}


def test_every_setting_is_shown_with_where_it_came_from() -> None:
    found = shown(OZON__API__PAGE_SIZE="50")

    assert found["time_zone"] == ("Europe/Moscow", "default")
    assert found["accounts.main.title"] == ("Test account 1", "testing")
    assert found["api.page_size"] == (50, "OZON__API__PAGE_SIZE")
    assert found["retry.retries"] == (3, "built-in")
    assert len(found) > 200


def test_a_table_or_a_single_setting_is_shown_alone() -> None:
    assert shown("retry").keys() == {
        "retry.retries",
        "retry.first_delay_seconds",
        "retry.backoff_multiplier",
        "retry.max_delay_seconds",
    }
    assert shown("retry.retries") == {"retry.retries": (3, "built-in")}


def test_an_unknown_setting_is_a_sentence_with_a_suggestion() -> None:
    done = ozon("config", "show", "retry.retrys")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ozon: unknown setting 'retry.retrys'; did you mean retry.retries?\n"


def test_a_sign_in_that_somebody_put_into_an_address_is_not_shown() -> None:
    found = shown("reports.folder", OZON__REPORTS__FOLDER="s3://somebody:their-words@bucket/ozon")

    assert found["reports.folder"][0] == "s3://***@bucket/ozon"


def test_for_people_it_is_a_table() -> None:
    done = ozon("config", "show", "retry", OZON_ENV="testing")

    assert done.returncode == 0
    assert "retry.first_delay_seconds" in done.stdout
    assert "[testing]" in done.stdout


def test_help_needs_neither_airflow_nor_a_valid_configuration() -> None:
    env = {**os.environ, "OZON_ENV": "nonsense", "PYTHONVERBOSE": "1"}
    done = process.run(process.OZON, "--help", env=env)

    assert done.returncode == 0
    assert all(command in done.stdout for command in ("db", "config", "runs"))
    assert "import 'typer'" in done.stderr
    assert "import 'airflow" not in done.stderr
