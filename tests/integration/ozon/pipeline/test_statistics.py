"""PostgreSQL's statistics after the first load of an account, when other accounts are known already."""

from __future__ import annotations

from tests.support.pipeline import Pipeline

_KNOWN = """
SELECT tablename FROM pg_stats
WHERE schemaname = 'ozon' AND attname = 'account' AND 'second' = ANY(most_common_vals::text::text[])
ORDER BY tablename
"""


def test_a_new_account_is_known_to_the_planner_at_once(pipeline: Pipeline) -> None:
    pipeline.load("first")
    pipeline.execute("ANALYZE")
    assert not pipeline.rows(_KNOWN)

    pipeline.load("first", account="second")

    known = {row["tablename"] if isinstance(row, dict) else row[0] for row in pipeline.rows(_KNOWN)}
    assert known >= {"products", "product_visibility_history", "product_price_history", "inventory"}
