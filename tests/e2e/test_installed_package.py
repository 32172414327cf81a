"""The built wheel in an Airflow that has DAGs of its own, and the target `make release-check`."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from include.ozon_local.home import ROOT
from tests.e2e.conftest import ACCOUNTS, MakeStack
from tests.support import release_check, scratch
from tests.support.agreement import assert_agreement
from tests.support.make import make
from tests.support.pipeline import Pipeline

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

THEIR_DAG = """\
from airflow.sdk import dag, task
from include.their_helpers import NUMBER

@dag
def theirs():
    @task
    def number():
        return NUMBER

    number()

theirs()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release_check.build(tmp_path_factory.mktemp("dist"))[0]


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> release_check.Installed:
    return release_check.install(wheel, tmp_path)


def test_an_airflow_with_dags_of_its_own_needs_pip_install_and_the_dags(
    installed: release_check.Installed, make_stack: MakeStack, warehouse: Pipeline
) -> None:
    installed.copy_project_files()
    theirs = installed.folder / "theirs" / "include"
    theirs.mkdir(parents=True)
    (theirs / "their_helpers.py").write_text("NUMBER = 1\n")
    dags = installed.airflow_home / "dags"
    (dags / "theirs.py").write_text(THEIR_DAG)
    variables = {
        "PYTHONPATH": str(theirs.parent),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(installed.airflow_home / "plugins"),
    }
    airflow_program = installed.program("airflow")

    stack = make_stack(home=installed.folder, program=airflow_program, folder=installed.folder, **variables)
    with stack as airflow:
        airflow.await_dags(*(file.stem for file in dags.glob("*.py")))
        assert airflow.call("GET", "/api/v2/importErrors")["total_entries"] == 0
        plugins = airflow.call("GET", "/api/v2/plugins")["plugins"]
        (source,) = [plugin["source"] for plugin in plugins if plugin["name"] == "ozon"]
        assert source.startswith("ozon-etl==")

        assert airflow.finished_run("theirs", "theirs_first")["state"] == "success"
        assert airflow.finished_run("ozon_etl", "first")["state"] == "success"

        page = airflow.get("/ozon/")
        assert (page.status_code, "Ozon" in page.text) == (200, True)
    for account in ACCOUNTS:
        assert_agreement(warehouse, account)


def test_a_plugins_folder_beside_the_entry_point_changes_nothing(installed: release_check.Installed) -> None:
    shown = installed.run("airflow", "plugins", "--output", "json", AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"))

    assert [plugin["name"] for plugin in json.loads(shown[shown.index("[") :])].count("ozon") == 1


def test_another_package_named_include_hides_this_one(installed: release_check.Installed, tmp_path: Path) -> None:
    (tmp_path / "other" / "include").mkdir(parents=True)
    path = {"PYTHONPATH": str(tmp_path / "other")}
    installed.run("ozon", "--version", **path)
    (tmp_path / "other" / "include" / "__init__.py").touch()

    with pytest.raises(release_check.NotReleasableError, match=r"No module named 'include\.ozon'"):
        installed.run("ozon", "--version", **path)


def test_a_wheel_with_other_files_than_the_repository_is_not_released(wheel: Path, tmp_path: Path) -> None:
    changed = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            if name != "include/ozon/page/static/page.css":
                target.writestr(name, source.read(name))
        target.writestr("include/ozon/.env", "")

    assert list(release_check.content_problems(wheel)) == []
    missing, extra = release_check.content_problems(changed)
    assert missing.endswith("has no include/ozon/page/static/page.css")
    assert "include/ozon/.env, which is not in the repository" in extra


def test_each_place_that_names_the_version_is_compared(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n")
    (tmp_path / "docker-compose.yaml").write_text("services: {a: {image: ozon-etl:0.0.1}, b: {image: redis}}")

    assert list(release_check.version_problems()) == []
    changelog, image = release_check.version_problems(tmp_path)
    assert "has no section" in changelog
    assert "found ozon-etl:0.0.1" in image


def test_release_check_installs_and_loads_and_its_last_line_has_the_figures() -> None:
    done = make("release-check", scratch.new_folder("release"))

    assert done.returncode == 0, done.stdout + done.stderr
    line = done.stdout.splitlines()[-1]
    assert re.fullmatch(
        r"release-check: ozon-etl [\d.]+; wheel [\d.]+ MB with \d+ files, sdist [\d.]+ MB; installed in \d+ s; "
        r"doctor \d+ ok, \d warnings; 500 products and their stock loaded in \d+ s; \d+ s in all",
        line,
    )
