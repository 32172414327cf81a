"""The components of the load: what is not in this list is not loaded, and nothing else lists them."""

from __future__ import annotations

from typing import Any

from include.ozon.pipeline.component import Component
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.pipeline.product_etl import PRODUCT_ETL

COMPONENTS: tuple[Component[Any], ...] = (PRODUCT_ETL, INVENTORY_ETL)
"""In the order of the work: each after those that it needs, one after the other, as they share the account's lock."""

COMPONENT_NAMES = [component.name for component in COMPONENTS]
"""The same by their names, as SQL is given them: to count them and to order by them."""


def find_component(name: str) -> Component[Any]:
    """The component of that name. Raises KeyError where there is none."""
    return {component.name: component for component in COMPONENTS}[name]
