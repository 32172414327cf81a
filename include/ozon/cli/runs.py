"""``ozon runs``: what the last workflows did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from include.ozon.cli.warehouse import warehouse_session
from include.ozon.reports.runs import dag_run_workflows, last_workflows
from include.ozon.reports.runs_text import runs_tables
from include.ozon.warehouse.schema import require_head

# A table is no use folded into a pipe's 80 columns.
_PIPE_WIDTH = 160


def runs(
    last: Annotated[int, typer.Option(min=1, help="How many workflows.")] = 10,
    since: Annotated[datetime | None, typer.Option(help="Only those that started since then (UTC).")] = None,
    dag_run: Annotated[str | None, typer.Option(help="All accounts of one DAG run, by its id or `latest`.")] = None,
) -> None:
    """Show recent workflows with their numbers, and what customers see of the catalogue."""
    with warehouse_session() as connection:
        require_head(connection)
        if dag_run:
            rows = dag_run_workflows(connection, dag_run)
        else:
            rows = last_workflows(connection, last, since and since.replace(tzinfo=UTC))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    console.print(runs_tables(rows))
