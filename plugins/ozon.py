"""Airflow plugin for a folder on PYTHONPATH. An installed package has the same one as an entry point."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="ozon"):  # Airflow warns of a plugin that it finds twice
    from include.ozon.adapter.plugins import OzonPlugin  # noqa: F401 - Airflow looks for classes in this module
