"""Properties of docker-compose.yaml, read from the file; tests/docker starts the stack."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from include.ozon import __version__
from include.ozon_local.docker import env_file
from include.ozon_local.home import ROOT

TEXT = (ROOT / "docker-compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
ONE_SHOTS = {"databases", "prepare"}
VARIABLE = re.compile(r"\$\{(\w+)(:[-?])?([^}]*)\}")
SECRET = re.compile(r"PASSWORD|KEY|SECRET|AIRFLOW_CONN")


def test_docker_compose_1_29_understands_it() -> None:
    assert "name" not in yaml.safe_load(TEXT)
    assert [name for name, service in SERVICES.items() if "deploy" in service] == []


@pytest.mark.parametrize("name", SERVICES)
class TestEveryService:
    def test_has_a_health_check_or_runs_to_its_end(self, name: str) -> None:
        service = SERVICES[name]

        if name in ONE_SHOTS:
            assert service["restart"] == "no"
        else:
            assert service["restart"] == "unless-stopped"
            assert service["healthcheck"]["test"]

    def test_publishes_ports_only_on_the_loopback_address(self, name: str) -> None:
        assert [port for port in SERVICES[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []

    def test_has_a_pinned_image(self, name: str) -> None:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$", SERVICES[name]["image"])

    def test_has_a_memory_limit(self, name: str) -> None:
        assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])

    def test_is_not_root_and_gains_no_privileges(self, name: str) -> None:
        service = SERVICES[name]

        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]

    def test_has_a_read_only_root_and_a_small_folder_for_temporary_files(self, name: str) -> None:
        assert SERVICES[name]["read_only"] is True
        assert "/tmp:size=256m" in SERVICES[name]["tmpfs"]


def test_no_secret_has_a_default_and_make_docker_env_writes_each_variable() -> None:
    used = {(found[1], found[2]) for found in VARIABLE.finditer(TEXT)}

    assert {name for name, kind in used if SECRET.search(name) and kind != ":?"} == set()
    # Variables that a person may set.
    optional = {"AIRFLOW_PARALLELISM", "WORKER_CONCURRENCY"}
    assert {name for name, _ in used} - optional <= set(env_file.NAMES)


def test_passwords_in_addresses_are_percent_encoded() -> None:
    addresses = [line for line in TEXT.splitlines() if re.search(r"://.*\$\{\w*PASSWORD", line)]

    assert addresses
    assert [line for line in addresses if "PASSWORD_IN_URI:" not in line] == []


def test_secrets_come_only_from_variables() -> None:
    named = (
        (name, key)
        for name, service in SERVICES.items()
        for key, value in service.get("environment", {}).items()
        if SECRET.search(key) and "PASSWORDS_FILE" not in key and "${" not in str(value)
    )

    assert list(named) == []


def test_only_postgresql_and_databases_get_the_superusers_password() -> None:
    given = {name for name, service in SERVICES.items() if "POSTGRES_PASSWORD" in json.dumps(service)}

    assert given == {"postgres", "databases"}


def test_postgresqls_volume_is_the_data_folder_of_version_18() -> None:
    assert SERVICES["postgres"]["image"].startswith("postgres:18.")
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


def test_our_image_has_our_version_and_the_pinned_airflow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (airflow,) = (each for each in project["dependencies"] if each.startswith("apache-airflow=="))
    ours = {service["image"] for service in SERVICES.values() if service["image"].startswith("ozon-etl")}

    assert ours == {f"ozon-etl:{__version__}"}
    assert f"FROM apache/airflow:{airflow.partition('==')[2]}-python" in (ROOT / "Dockerfile").read_text()
