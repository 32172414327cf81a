"""The asset by which a load tells the metrics that there is something new."""

from airflow.sdk import Asset

LOADED = Asset("ozon_loaded", uri="x-ozon://warehouse/loaded")
