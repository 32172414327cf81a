"""deploy/values.yaml: accepted by the chart's schema, and in step with the rest of the project."""

from __future__ import annotations

import json

import jsonschema
import pytest

from include.ozon import __version__
from include.ozon.configuration import load_settings
from tests.support.helm_chart import SCHEMA, values

VALIDATOR = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8")))


def test_the_charts_schema_accepts_them() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(values())] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"executer": "KubernetesExecutor"},
        {"executor": 1},
        {"workers": {"pods": {}}},
        {"env": [{"label": "x"}]},
    ],
)
def test_the_charts_schema_refuses_what_it_does_not_know(wrong: dict[str, object]) -> None:
    assert list(VALIDATOR.iter_errors(wrong))


def test_the_image_has_this_version_and_the_variables_are_settings() -> None:
    variables = {each["name"]: each["value"] for each in values()["env"]}

    assert values()["defaultAirflowTag"] == __version__
    assert "machine" not in load_settings(environ=variables).health.checks
