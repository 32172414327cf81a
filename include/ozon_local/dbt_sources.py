"""The generator of dbt/models/sources.yml: ``python -m include.ozon_local.dbt_sources``.

Its sources are the descriptions of tables and views, the limits of the rules for the data's age, and the list of
visibilities. With ``--check`` it only compares; the exit code is 1 if the file is out of date.
"""

from __future__ import annotations

import sys
from typing import Any

import yaml

from include.ozon.generated_pages import write_or_check
from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.health.data import AGE_LIMITS
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.warehouse.tables import TABLES
from include.ozon.warehouse.tables.column import Column, Table
from include.ozon.warehouse.views import VIEWS
from include.ozon_local.home import ROOT

PATH = ROOT / "dbt" / "models" / "sources.yml"

_MODULE = "include.ozon_local.dbt_sources"

# The component whose last success is the age of a table or view; the others have no age.
_LOADED_BY = {
    **dict.fromkeys(("products", "hidden_reasons", "price_history", "visibility_history"), PRODUCT_ETL.name),
    **dict.fromkeys(("product_price_history", "product_visibility_history"), PRODUCT_ETL.name),
    **dict.fromkeys(("stock", "stock_by_warehouse", "stock_history"), INVENTORY_ETL.name),
    **dict.fromkeys(("inventory", "inventory_by_warehouse", "inventory_history"), INVENTORY_ETL.name),
}

_SOURCES = {
    "ozon_bi": ("Views with stable columns. The models of this project read nothing else.", VIEWS),
    "ozon": ("The tables, for models of your own; docs/deploy.md has the privileges that they need.", TABLES),
}


def render() -> str:
    """Return the file."""
    sources = [
        {"name": name, "schema": name, "description": description, "tables": [_table(table) for table in tables]}
        for name, (description, tables) in _SOURCES.items()
    ]
    text = yaml.safe_dump({"version": 2, "sources": sources}, sort_keys=False, allow_unicode=True, width=120)
    return f"# Made by `python -m {_MODULE}`; do not edit.\n{text}"


def main(arguments: list[str]) -> int:
    return write_or_check(PATH, render(), _MODULE, arguments)


def _table(table: Table) -> dict[str, Any]:
    age = {"config": _age(table.name)} if table.name in _LOADED_BY else {}
    return {
        "name": table.name,
        "description": table.comment,
        **age,
        "columns": [_column(table, column) for column in table.columns],
    }


def _age(table: str) -> dict[str, Any]:
    component = _LOADED_BY[table]
    limits = AGE_LIMITS[component].limits
    return {
        # Not changed_at, which an unchanged row keeps.
        "loaded_at_query": f"{{{{ last_success('{component}') }}}}",
        "freshness": {
            "warn_after": {"count": int(limits.warning), "period": "hour"},
            "error_after": {"count": int(limits.critical), "period": "hour"},
        },
    }


def _column(table: Table, column: Column) -> dict[str, Any]:
    described = {"name": column.name, "data_type": column.type, "description": column.comment}
    if table in VIEWS and column.name == "visibility":
        return {**described, "data_tests": [{"accepted_values": {"arguments": {"values": [*map(str, Visibility)]}}}]}
    return described


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
