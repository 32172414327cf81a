"""The plugin that Airflow loads in each of its processes."""

from __future__ import annotations

import importlib.metadata

import pytest
from airflow.plugins_manager import AirflowPlugin, _load_entrypoint_plugins, _load_plugins_from_plugin_directory
from airflow.serialization.encoders import encode_deadline_reference

from include.ozon.adapter.dags.deadlines import RunDue
from include.ozon.adapter.plugins import OzonPlugin
from include.ozon_local.home import ROOT


def plugins_in_folder() -> list[AirflowPlugin]:
    plugins, errors = _load_plugins_from_plugin_directory(plugins_folder=str(ROOT / "plugins"))
    assert errors == {}
    return plugins


def test_an_installed_package_has_it_as_an_entry_point_only() -> None:
    plugins, _ = _load_entrypoint_plugins()

    assert [type(plugin) for plugin in plugins].count(OzonPlugin) == 1
    assert plugins_in_folder() == []


def test_the_folder_has_it_where_the_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: iter(()))

    assert [type(plugin) for plugin in plugins_in_folder()] == [OzonPlugin]


def test_it_registers_the_class_by_its_name_in_a_serialized_dag() -> None:
    (reference,) = OzonPlugin.deadline_references

    assert reference is RunDue
    assert encode_deadline_reference(RunDue())["__class_path"] == f"{reference.__module__}.{reference.__qualname__}"
