"""All components of Airflow with the DAG from a Git repository, by the Git provider's versioned bundle."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from include.ozon_local.home import ROOT
from tests.e2e.conftest import ACCOUNTS, MakeStack
from tests.support.agreement import assert_agreement
from tests.support.airflow_stack import AirflowStack, until
from tests.support.pipeline import Pipeline

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class DagRepository:
    """A Git repository with the DAG in its folder ``dags``."""

    folder: Path

    @property
    def dag(self) -> Path:
        return self.folder / "dags" / "ozon_etl.py"

    def commit(self, message: str) -> str:
        """Commit all changes, and return the commit's hash."""
        self.git("add", ".")
        self.git("-c", "user.name=Tests", "-c", "user.email=tests@ozon.example", "commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> DagRepository:
    found = DagRepository(tmp_path / "repository")
    found.dag.parent.mkdir(parents=True)
    copy(ROOT / "dags" / "ozon_etl.py", found.dag)
    found.git("init", "--quiet", "--initial-branch=main")
    return found


def bundle(repository: DagRepository, storage: Path) -> dict[str, str]:
    """Return the variables of docs/deploy.md for this repository."""
    described = {
        "name": "ozon",
        "classpath": "airflow.providers.git.bundles.git.GitDagBundle",
        "kwargs": {
            "repo_url": repository.folder.as_uri(),
            "tracking_ref": "main",
            "subdir": "dags",
            "refresh_interval": 2,
        },
    }
    return {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([described]),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(storage),
    }


def commits_of(airflow: AirflowStack) -> list[str]:
    """Return the commit of each version of the DAG that Airflow knows, the oldest first."""
    versions = airflow.call("GET", "/api/v2/dags/ozon_etl/dagVersions?order_by=version_number")["dag_versions"]
    return [version["bundle_version"] for version in versions]


def commits_of_run(run: dict[str, Any]) -> set[str]:
    return {run["bundle_version"], *(version["bundle_version"] for version in run["dag_versions"])}


def test_a_run_keeps_its_commit_and_the_next_one_has_the_new(
    repository: DagRepository, make_stack: MakeStack, warehouse: Pipeline, tmp_path: Path
) -> None:
    first = repository.commit("First")
    with make_stack(**bundle(repository, tmp_path / "bundles")) as airflow:
        airflow.await_dags("ozon_etl")
        loaded = airflow.finished_run("ozon_etl", "first")
        assert (loaded["state"], commits_of_run(loaded)) == ("success", {first})
        for account in ACCOUNTS:
            assert_agreement(warehouse, account)

        repository.dag.write_text(repository.dag.read_text().replace('tags=["ozon",', 'tags=["second", "ozon",'))
        second = repository.commit("Second")
        until(lambda: commits_of(airflow) == [first, second], "Airflow has read the second commit")
        again = airflow.finished_run("ozon_etl", "second")
        assert (again["state"], commits_of_run(again)) == ("success", {second})

        airflow.call("POST", "/api/v2/dags/ozon_etl/dagRuns/first/clear", dry_run=False)
        cleared = airflow.ended("ozon_etl", "first")
        assert (cleared["state"], commits_of_run(cleared)) == ("success", {first})
