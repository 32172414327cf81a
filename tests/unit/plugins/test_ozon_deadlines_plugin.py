"""The plugin that Airflow loads in each of its processes."""

from __future__ import annotations

import pytest
from airflow.plugins_manager import AirflowPlugin, _load_plugins_from_plugin_directory
from airflow.serialization.encoders import encode_deadline_reference

from include.ozon.adapter.dags.deadlines import RunDue
from include.ozon_local.home import ROOT


@pytest.fixture
def plugin() -> AirflowPlugin:
    plugins, errors = _load_plugins_from_plugin_directory(plugins_folder=str(ROOT / "plugins"))
    assert errors == {}
    (found,) = [plugin for plugin in plugins if plugin.name == "ozon_deadlines"]
    return found


def test_it_registers_the_class_by_its_name_in_a_serialized_dag(plugin: AirflowPlugin) -> None:
    (reference,) = plugin.deadline_references

    assert reference is RunDue, "the same class, although Airflow loads the file twice: for its core and for its tasks"
    assert encode_deadline_reference(RunDue())["__class_path"] == f"{reference.__module__}.{reference.__qualname__}"
