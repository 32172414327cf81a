"""Lineage of a component's attempt: Ozon's methods are its inputs, the warehouse's tables its outputs.

OpenLineage's provider asks for it if it is configured. The Airflow assets of the tables do not need the provider; both
name a table in the same way.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import Asset, Context

from include.ozon.adapter.connections.accounts import api_credentials
from include.ozon.adapter.connections.warehouse import warehouse_address
from include.ozon.adapter.dags.defaults import TABLE_ASSETS
from include.ozon.configuration import load_settings
from include.ozon.errors import safe_text
from include.ozon.pipeline.component import Component
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.warehouse.tables import TABLES
from include.ozon.warehouse.tables.column import Table

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import DatasetFacet

logger = logging.getLogger("ozon.lineage")

_SCHEMA = "ozon"
_TABLE_BY_NAME = {table.name: table for table in TABLES}


def emit_table_assets(context: Context, account: str, numbers: ComponentNumbers) -> None:
    """Emit an asset event for each table that was written; a failure is only logged."""
    try:
        address = warehouse_address()
        for name, rows in numbers.rows_written.items():
            asset = Asset(uri=f"{address}/{_SCHEMA}/{name}")
            context["outlet_events"][TABLE_ASSETS].add(asset, extra={"account": account, "rows": rows})
    except Exception as error:  # the load has succeeded
        logger.warning("The asset events of the tables could not be emitted: %s", safe_text(error))


def component_lineage(component: Component[Any], account: str, numbers: ComponentNumbers) -> OperatorLineage[Any, Any]:
    """Return what an attempt has read and written so far; one that failed or only tried has written nothing."""
    from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415

    has_read = numbers.api_requests or numbers.rows_read
    return OperatorLineage(
        inputs=_methods(component, account) if has_read else [],
        outputs=[_written(name, rows) for name, rows in numbers.rows_written.items()],
    )


def _methods(component: Component[Any], account: str) -> list[InputDataset]:
    from openlineage.client.event_v2 import InputDataset  # noqa: PLC0415

    namespace = api_credentials(account).base_url
    return [InputDataset(namespace=namespace, name=path) for path in component.methods(load_settings())]


def _written(name: str, rows: int) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset  # noqa: PLC0415
    from openlineage.client.facet_v2 import output_statistics_output_dataset  # noqa: PLC0415

    address = urlsplit(warehouse_address())
    table = _TABLE_BY_NAME.get(name)
    return OutputDataset(
        namespace=f"{address.scheme}://{address.netloc}",
        name=f"{address.path.removeprefix('/')}.{_SCHEMA}.{name}",
        facets=_described(table) if table else {},
        outputFacets={
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
        },
    )


def _described(table: Table) -> dict[str, DatasetFacet]:
    from openlineage.client.facet_v2 import documentation_dataset, schema_dataset  # noqa: PLC0415

    fields = [
        schema_dataset.SchemaDatasetFacetFields(name=column.name, type=column.type, description=column.comment)
        for column in table.columns
    ]
    return {
        "schema": schema_dataset.SchemaDatasetFacet(fields=fields),
        "documentation": documentation_dataset.DocumentationDatasetFacet(description=table.comment),
    }
