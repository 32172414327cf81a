"""Agreement of the tables that the page searches with products and inventory, after every measurement."""

from __future__ import annotations

from include.ozon.monitoring.metrics.search_tables import renew_search_tables
from include.ozon.warehouse.session import open_session
from tests.support.pipeline import Pipeline

_STOCK = """
SELECT p.account, p.product_id, p.visibility, s.available
FROM ozon.products p
LEFT JOIN (SELECT account, product_id, sum(greatest(available, 0)) AS available
           FROM ozon.inventory GROUP BY account, product_id) s USING (account, product_id)
WHERE p.removed_at IS NULL
"""
_NAMES = "SELECT account, product_id, name FROM ozon.products WHERE removed_at IS NULL"

_WRONG_PREVIOUS_PRICES = """
SELECT h.* FROM ozon.product_price_history h
LEFT JOIN ozon.product_price_history before
  ON before.account = h.account AND before.product_id = h.product_id AND before.valid_to = h.valid_from
WHERE h.previous_price IS DISTINCT FROM before.price
"""


def differences(pipeline: Pipeline, table: str, expected: str) -> list[object]:
    columns = {
        "product_stock": "account, product_id, visibility, available",
        "product_names": "account, product_id, name",
    }
    kept = f"SELECT {columns[table]} FROM ozon.{table}"
    return [*pipeline.rows(f"({kept}) EXCEPT ALL ({expected})"), *pipeline.rows(f"({expected}) EXCEPT ALL ({kept})")]


def renew(pipeline: Pipeline) -> None:
    with open_session(pipeline.connect, pipeline.settings.warehouse, "test") as connection:
        renew_search_tables(connection, "main")


def test_the_tables_of_the_search_agree_after_every_measurement(pipeline: Pipeline) -> None:
    pipeline.products("products only")
    renew(pipeline)
    assert differences(pipeline, "product_stock", _STOCK) == []
    assert pipeline.value("SELECT count(available) FROM ozon.product_stock") == 0
    pipeline.inventory("products only")
    changes: list[tuple[str, dict[str, float]]] = [
        ("hide_share", {"share": 0.2}),
        ("vanish_share", {"share": 0.1}),
        ("change_prices", {"share": 0.3, "factor": 0.5}),
    ]
    for n, (fault, options) in enumerate(changes):
        pipeline.sandbox.tick()
        pipeline.sandbox.fault(fault, **options)
        pipeline.load(f"changed {n}", accept_guards=["turned_invisible", "vanished", "price_changes"])
        renew(pipeline)
        assert differences(pipeline, "product_stock", _STOCK) == []
        assert differences(pipeline, "product_names", _NAMES) == []
    # Another name than Ozon's: the next load finds it changed.
    pipeline.execute("UPDATE ozon.products SET name = 'other name'")
    pipeline.sandbox.clear_faults()
    pipeline.load("back")
    renew(pipeline)

    assert pipeline.value("SELECT count(*) FROM ozon.products WHERE removed_at IS NULL") > 0
    assert differences(pipeline, "product_stock", _STOCK) == []
    assert differences(pipeline, "product_names", _NAMES) == []
    assert pipeline.rows(_WRONG_PREVIOUS_PRICES) == []
    assert pipeline.value("SELECT count(*) FROM ozon.product_price_history WHERE price <> previous_price") > 0
    assert pipeline.value("SELECT count(*) FROM ozon.product_stock WHERE available > 0") > 0
