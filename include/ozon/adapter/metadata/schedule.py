"""This package's DAGs under Airflow's scheduler, read and changed.

With Airflow's own models: its command line takes seconds for each DAG, and cannot store the former state and change it
in one transaction.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.models.dag import DagModel
from airflow.models.variable import Variable
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from include.ozon.adapter.health.probe import error_line
from include.ozon.adapter.metadata.database import metadata_session
from include.ozon.errors import FatalError, RetriableError
from include.ozon.scheduling.airflow_dags import AirflowSchedule, Plan
from include.ozon.settings.dags import DAG_IDS

BEFORE_VARIABLE = "ozon_schedule_before"
_DESCRIPTION = "Which DAGs of the Ozon ETL were paused before `ozon schedule install`, for `ozon schedule remove`."


def read_schedule() -> AirflowSchedule:
    """Read the current state. Raise RetriableError if the metadata database does not answer."""
    with metadata_session() as session:
        return _read(session)


def change_schedule(plan: Plan, expected: AirflowSchedule) -> None:
    """Change Airflow's state to the one that ``plan`` returns, in one transaction.

    Raise RetriableError if the current state is no longer ``expected``, which is the backup's.
    """
    with metadata_session() as session:
        found = _read(session, for_update=True)
        if found != expected:
            raise RetriableError("Somebody else just paused or unpaused a DAG; nothing was changed. Try again.")
        wanted = plan(found)
        for dag in session.scalars(select(DagModel).where(DagModel.dag_id.in_(wanted.is_paused))):
            dag.is_paused = wanted.is_paused[dag.dag_id]
        if wanted.before is None:
            session.execute(delete(Variable).where(Variable.key == BEFORE_VARIABLE))
        else:
            Variable.set(BEFORE_VARIABLE, json.dumps(wanted.before), _DESCRIPTION, session=session)


def import_problems(dags_folder: Path) -> list[str]:
    """Return the errors that keep Airflow from reading this package's DAGs, a sentence for each."""
    # Airflow logs its errors to stdout, with tracebacks, and a file may print.
    with redirect_stdout(io.StringIO()):
        bag = DagBag(dags_folder, bundle_path=dags_folder)
    problems = [f"{Path(file).name}: {error_line(trace)}" for file, trace in sorted(bag.import_errors.items())]
    failed = {Path(file).stem for file in bag.import_errors}
    return problems + [
        f"{dag_id}.py has no DAG of this id" for dag_id in DAG_IDS if dag_id not in bag.dags and dag_id not in failed
    ]


def _read(session: Session, *, for_update: bool = False) -> AirflowSchedule:
    dags = select(DagModel).where(DagModel.dag_id.in_(DAG_IDS), DagModel.is_stale.is_(False)).order_by(DagModel.dag_id)
    found = session.scalars(dags.with_for_update() if for_update else dags).all()
    variable = session.scalar(select(Variable).where(Variable.key == BEFORE_VARIABLE))
    return AirflowSchedule({dag.dag_id: bool(dag.is_paused) for dag in found}, _before(variable))


def _before(variable: Variable | None) -> dict[str, bool] | None:
    if variable is None:
        return None
    try:
        before = json.loads(variable.val or "")
        return {str(dag_id): bool(paused) for dag_id, paused in before.items()}
    except (ValueError, AttributeError):
        raise FatalError(
            f"Airflow's Variable {BEFORE_VARIABLE} cannot be read: it is damaged, or core.fernet_key has changed. "
            "Delete it in Airflow (Admin, Variables); the information which DAGs were paused before is lost."
        ) from None
