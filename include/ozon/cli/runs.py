"""``ozon runs``: the last workflows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any

import typer

from include.ozon.cli.common import Output, console, print_json
from include.ozon.cli.warehouse import warehouse_session
from include.ozon.reports.runs import ComponentRow, dag_run_workflows, last_workflows
from include.ozon.reports.runs_text import runs_tables
from include.ozon.warehouse.schema import require_head

# Fields of the workflow, not repeated in each of its components.
_OF_WORKFLOW = ("workflow_id", "account", "dag_run_id", "workflow_status", "error")


def runs(
    last: Annotated[int, typer.Option(min=1, help="Number of workflows.")] = 10,
    since: Annotated[datetime | None, typer.Option(help="Only workflows that started after this moment (UTC).")] = None,
    dag_run: Annotated[str | None, typer.Option(help="All accounts of one DAG run, by its id or `latest`.")] = None,
    output: Output = "text",
) -> None:
    """Show recent workflows with their numbers, and the visibility of the products.

    Example: ozon runs --dag-run latest --output json
    """
    with warehouse_session() as connection:
        require_head(connection)
        if dag_run:
            rows = dag_run_workflows(connection, dag_run)
        else:
            rows = last_workflows(connection, last, since and since.replace(tzinfo=UTC))
    if output == "json":
        print_json("runs", {"workflows": _workflows(rows)})
    else:
        console().print(runs_tables(rows))


def _workflows(rows: Sequence[ComponentRow]) -> list[dict[str, Any]]:
    """Group the rows by workflow; a workflow without a started component has no components."""
    found = []
    for _, of_one in groupby(rows, key=lambda row: row.workflow_id):
        components = list(of_one)
        first = asdict(components[0])
        found.append(
            {
                **{name.removeprefix("workflow_"): first[name] for name in _OF_WORKFLOW if name != "workflow_id"},
                "workflow_id": first["workflow_id"],
                "components": [
                    {name: value for name, value in asdict(each).items() if name not in _OF_WORKFLOW}
                    for each in components
                    if each.component is not None
                ],
            }
        )
    return found
