"""The generator of docs/DAGs.md from the DAG files: ``python -m include.ozon_local.dag_docs``.

With ``--check`` it only compares; the exit code is 1 if the page is out of date. The values are those of production,
whatever the environment and variables of the terminal.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from include.ozon.generated_pages import table, write_or_check
from include.ozon.words import span
from include.ozon_local.home import ROOT

DAGS_FOLDER = ROOT / "dags"
DOCS_PATH = ROOT / "docs" / "DAGs.md"

_INTRODUCTION = """\
<!-- Made by `python -m include.ozon_local.dag_docs` from the files in dags/; do not edit. -->

# DAGs

Schedules, retries and time-outs are those of production; see [configuration.md](configuration.md) for their settings
and for the other environments.
"""


def render(dags_folder: Path = DAGS_FOLDER) -> str:
    """Return the whole page for the environment and variables of this process."""
    return "\n".join([_INTRODUCTION, *(_section(_read(file)) for file in sorted(dags_folder.glob("*.py")))])


def main(arguments: list[str]) -> int:
    with TemporaryDirectory() as airflow_home:
        _isolate_environment(airflow_home)
        text = render()
    return write_or_check(DOCS_PATH, text, "include.ozon_local.dag_docs", arguments)


def _isolate_environment(airflow_home: str) -> None:
    for name in [name for name in os.environ if name.startswith(("AIRFLOW", "OZON"))]:
        del os.environ[name]
    # Importing Airflow creates its home.
    os.environ |= {"OZON_ENV": "production", "AIRFLOW_HOME": airflow_home}


def _read(file: Path) -> Any:
    """Return the file's only DAG; its function has the file's name."""
    return runpy.run_path(str(file))[file.stem]()


def _section(dag: Any) -> str:
    tags = ", ".join(sorted(dag.tags))
    return "\n".join(
        [
            f"## {dag.dag_id}\n",
            f"Schedule: {_schedule(dag.timetable)}. {_deadlines(dag)}Tags: {tags}.\n",
            f"{dag.doc_md.strip()}\n",
            "### Tasks\n",
            table(("Task", "For each", "Retries", "Wait before a retry", "Time-out", "Emits"), _tasks(dag)),
            "### Parameters\n",
            table(("Name", "Type", "Default", "Meaning"), _params(dag)),
        ]
    )


def _schedule(timetable: Any) -> str:
    if condition := getattr(timetable, "asset_condition", None):
        assets = ", ".join(f"`{asset.name}`" for asset in condition.objects)
        return f"after asset {assets}, or {_schedule(timetable.timetable)}"
    return f"`{timetable.expression}`, {timetable.timezone}"


def _deadlines(dag: Any) -> str:
    return "".join(f"Deadline: {span(alert.interval)} after the run was due. " for alert in dag.deadline or ())


def _for_each(task: Any) -> str:
    """Return what a task is mapped over, by the argument's name."""
    if task.get_closest_mapped_task_group() is not None:
        return "account"
    return ", ".join(task.op_kwargs_expand_input.value) if task.is_mapped else "run"


def _tasks(dag: Any) -> Iterator[tuple[str, ...]]:
    for task in sorted(dag.tasks, key=lambda task: len(task.get_flat_relative_ids(upstream=True))):
        yield (
            f"`{task.task_id}`",
            _for_each(task),
            str(task.retries),
            f"from {span(task.retry_delay)}, x {task.retry_exponential_backoff:g}, "
            f"to {span(task.max_retry_delay)} at most",
            span(task.execution_timeout) if task.execution_timeout else "none",
            ", ".join(f"asset `{outlet.name}`" for outlet in task.outlets),
        )


def _params(dag: Any) -> Iterator[tuple[str, ...]]:
    for name in dag.params:
        param = dag.params.get_param(name)
        kind = param.schema["type"]
        of = f" of {param.schema['items']['type']}s" if "items" in param.schema else ""
        yield f"`{name}`", f"{kind}{of}", f"`{json.dumps(param.value)}`", param.description


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
