"""docs/runbook.md: its SQL statements, run unchanged."""

from __future__ import annotations

import re
from textwrap import dedent

from include.ozon_local.home import ROOT
from tests.support.pipeline import Pipeline


def statements(heading: str) -> str:
    """Return the indented block of SQL below a heading of the page."""
    page = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    section = re.split(r"^## ", page.partition(f"\n## {heading}\n")[2], flags=re.M)[0]
    found = [block for block in re.findall(r"(?:^ {4,}.+\n)+", section, flags=re.M) if ";" in block]
    assert len(found) == 1, f"docs/runbook.md: expected one block of SQL below {heading!r}, found {len(found)}"
    return dedent(found[0])


def test_removing_an_account_deletes_exactly_its_rows(pipeline: Pipeline) -> None:
    pipeline.load()
    tables = [
        row["name"]
        for row in pipeline.rows(
            "SELECT table_name AS name FROM information_schema.columns "
            "WHERE table_schema = 'ozon' AND column_name = 'account'"
        )
    ]
    for table in ("products", "inventory"):
        columns = [
            row["name"]
            for row in pipeline.rows(
                "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'ozon' "
                "AND table_name = %s AND column_name <> 'account' AND is_generated = 'NEVER'",
                table,
            )
        ]
        names = ", ".join(columns)
        pipeline.execute(f"INSERT INTO ozon.{table} (account, {names}) SELECT 'shop', {names} FROM ozon.{table}")
    text = statements("Adding and removing an account")
    for table in tables:
        named = f"DELETE FROM ozon.{table} " in text
        assert named or table in {"etl_component_executions", "rejected_items", "alerts"}, (
            f"docs/runbook.md: removing an account has to delete from ozon.{table} too"
        )
    others = pipeline.versions(*tables)

    pipeline.execute(text)

    for table in tables:
        assert pipeline.value(f"SELECT count(*) FROM ozon.{table} WHERE account = 'shop'") == 0
    assert pipeline.versions("product_visibility_history") == {
        "product_visibility_history": others["product_visibility_history"]
    }
    assert pipeline.value("SELECT count(*) FROM ozon.products") == 400

    pipeline.execute(text.replace("'shop'", "'main'"))

    assert not any(pipeline.versions(*tables).values())


def test_the_session_that_locks_an_account_is_shown(pipeline: Pipeline) -> None:
    with pipeline.connect() as holder:
        holder.execute("SET application_name = 'product_etl run/main'")
        found = pipeline.rows(statements("A run that is stuck"))

    assert [row["application_name"] for row in found] == ["product_etl run/main"]
