"""The registry of the load's components."""

from __future__ import annotations

from typing import Any

from include.ozon.pipeline.component import Component
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.pipeline.product_etl import PRODUCT_ETL

COMPONENTS: tuple[Component[Any], ...] = (PRODUCT_ETL, INVENTORY_ETL)
"""In the order of execution, each after those that it needs. They share the account's lock, so they never overlap."""

COMPONENT_NAMES = [component.name for component in COMPONENTS]
"""The names in the same order, as a parameter for SQL."""


def find_component(name: str) -> Component[Any]:
    """Return the component with that name. Raises KeyError if there is none."""
    return {component.name: component for component in COMPONENTS}[name]
