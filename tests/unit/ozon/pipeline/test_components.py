"""The list of components, and the rules for a component's name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from include.ozon.pipeline.components import COMPONENT_NAMES, COMPONENTS
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL


def test_each_component_comes_after_those_that_it_needs() -> None:
    for position, component in enumerate(COMPONENTS):
        assert {needed.name for needed in component.needs} <= set(COMPONENT_NAMES[:position])
    assert len(set(COMPONENT_NAMES)) == len(COMPONENTS)


def test_the_table_whose_rows_are_counted_is_staged() -> None:
    for component in COMPONENTS:
        assert component.rows_table in component.staging


@pytest.mark.parametrize("name", ["inventory", "Inventory_etl", "in_ventory_etl", "inventory2_etl", "inventories_etl"])
def test_a_name_that_is_invalid_for_staging_or_a_task_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be letters and '_etl'"):
        replace(INVENTORY_ETL, name=name)
