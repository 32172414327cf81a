"""dlt with a merge on the primary key, in its fastest form with PostgreSQL: CSV files and delete-insert.

With Airflow installed, dlt imports it during a load to look for secrets, which takes longer than loading 10,000
products. That is switched off, because it is not part of the load.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["PROVIDERS__ENABLE_AIRFLOW_SECRETS"] = "false"

import dlt

from tests.benchmarks.download import COLUMNS, product_rows

TABLE = "bench.products"
MERGES = True

_TYPES = {"numeric": "decimal", "timestamptz": "timestamp", "boolean": "bool", "text[]": "json"}


def prepare(dsn: str) -> None:
    """Do nothing: dlt creates its tables."""


def load(base_url: str, dsn: str, folder: Path) -> None:
    pipeline = dlt.pipeline(
        "products",
        destination=dlt.destinations.postgres(dsn),
        dataset_name="bench",
        pipelines_dir=str(folder),
    )
    columns = {name: {"data_type": _TYPES.get(type_, type_)} for name, type_ in COLUMNS.items()}

    @dlt.resource(
        name="products",
        primary_key="product_id",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        columns=columns,
    )
    def products() -> Iterator[list[dict[str, Any]]]:
        for rows in product_rows(base_url):
            yield [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    pipeline.run(products, loader_file_format="csv")
