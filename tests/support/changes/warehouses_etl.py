"""warehouses_etl: the seller's warehouses of one account, into ``ozon.seller_warehouses``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.ozon.pipeline.component import Component
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.warehouse.differences import Differences
from include.ozon.warehouse.tables.column import Column, definitions

if TYPE_CHECKING:
    from include.ozon.marketplace.answers import Page
    from include.ozon.pipeline.attempt import Attempt
    from include.ozon.pipeline.reading import Reading

ID = Column("warehouse_id", "bigint", "Ozon's id.", lambda warehouse: warehouse.warehouse_id)
NAME = Column("name", "text", "Its name.", lambda warehouse: warehouse.name or "")
COMPARE = """
CREATE TEMPORARY TABLE warehouse_change ON COMMIT DROP AS
SELECT s.*, k.name IS NULL AS is_new FROM {warehouse} s LEFT JOIN ozon.seller_warehouses k
ON k.account = {account} AND k.warehouse_id = s.warehouse_id WHERE k.name IS DISTINCT FROM s.name
"""
COUNT = """
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated, 0 AS removed,
       (SELECT count(*) FROM {warehouse}) AS staged, (SELECT count(*) FROM {rejected}) AS rejected FROM warehouse_change
"""
MERGE = """
INSERT INTO ozon.seller_warehouses SELECT {account}, warehouse_id, name, {workflow_id} FROM warehouse_change
ON CONFLICT (account, warehouse_id) DO UPDATE SET name = excluded.name, workflow_id = excluded.workflow_id
"""


def _read(attempt: Attempt, reading: Reading) -> None:
    from include.ozon.pipeline.reading import Stream
    from include.ozon.warehouse.copy_text import writer_of

    def stage(page: Page[Any]) -> int:
        attempt.staging.copy_lines("warehouse", writer_of([ID, NAME])(page.items))
        return 0

    reading.start(Stream("warehouses", reading.client.warehouses, stage))


def _compare(attempt: Attempt) -> Differences:
    attempt.staging.execute(COMPARE)
    return Differences(**attempt.staging.counts(COUNT))


WAREHOUSES_ETL = Component(
    name="warehouses_etl",
    title="seller warehouses",
    needs=(PRODUCT_ETL,),
    staging={"warehouse": definitions([ID, NAME])},
    rows_table="warehouse",
    methods=lambda settings: ("/v2/warehouse/list",),
    read=_read,
    compare=_compare,
    merge=lambda attempt, seen: attempt.staging.execute(MERGE),
)
