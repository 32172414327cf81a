"""dlt with a merge on the primary key, in the form that was fastest with PostgreSQL: CSV files, deleted and inserted.

Where Airflow is installed, dlt imports it in the middle of a load to look for secrets, which takes longer than loading
10,000 products. That is switched off: it says nothing about loading.
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
    """dlt makes its tables itself."""


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
