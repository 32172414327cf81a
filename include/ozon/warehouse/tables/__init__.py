"""The definitions of the warehouse's tables.

A new column of a data table needs one line here and a migration.
"""

from __future__ import annotations

from include.ozon.warehouse.tables.column import Table
from include.ozon.warehouse.tables.monitoring import ALERTS, HEALTH_CHECKS, INCIDENTS, NOTIFICATIONS, VISIBILITY_METRICS
from include.ozon.warehouse.tables.products import (
    PRODUCT_NAMES,
    PRODUCT_PRICE_HISTORY,
    PRODUCT_VISIBILITY_HISTORY,
    PRODUCTS,
)
from include.ozon.warehouse.tables.records import (
    ALEMBIC_VERSION,
    ETL_COMPONENT_EXECUTIONS,
    ETL_WORKFLOW_EXECUTIONS,
    REJECTED_ITEMS,
)
from include.ozon.warehouse.tables.stock import (
    FBO_STOCK_REQUESTS,
    INVENTORY,
    INVENTORY_BY_WAREHOUSE,
    INVENTORY_HISTORY,
    PRODUCT_STOCK,
)

TABLES: tuple[Table, ...] = (
    PRODUCTS,
    PRODUCT_VISIBILITY_HISTORY,
    PRODUCT_PRICE_HISTORY,
    INVENTORY,
    INVENTORY_BY_WAREHOUSE,
    INVENTORY_HISTORY,
    VISIBILITY_METRICS,
    ETL_WORKFLOW_EXECUTIONS,
    ETL_COMPONENT_EXECUTIONS,
    REJECTED_ITEMS,
    HEALTH_CHECKS,
    INCIDENTS,
    ALERTS,
    NOTIFICATIONS,
    PRODUCT_STOCK,
    PRODUCT_NAMES,
    FBO_STOCK_REQUESTS,
    ALEMBIC_VERSION,
)
"""In the order of docs/tables.md."""
