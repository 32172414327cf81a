"""The ids of this package's DAGs; each file has the name of its DAG."""

from __future__ import annotations

ETL = "ozon_etl"
HEALTH_CHECK = "ozon_health_check"
VISIBILITY_METRICS = "ozon_visibility_metrics"
MAINTENANCE = "ozon_maintenance"

DAG_IDS = (ETL, HEALTH_CHECK, VISIBILITY_METRICS, MAINTENANCE)
