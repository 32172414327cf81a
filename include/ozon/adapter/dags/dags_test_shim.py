"""A workaround for ``airflow dags test`` of a DAG with a deadline: a successful run has to end with exit code 0.

In Airflow 3.3.2 it ends with 1 (apache/airflow issue 73428, pull request 73430). In that process ``dag.deadline`` has
the serialized deadlines, while ``DagRun.update_state`` expects their ids and looks them up. The error is "can't adapt
type 'dict'" on PostgreSQL and "'dict' object has no attribute 'hex'" on SQLite. tests/e2e/test_deadline_mail.py fails
as soon as Airflow no longer needs this; then delete this module, its test, and its call in adapter/plugins.py.
"""

from __future__ import annotations

import sys
from typing import Any

_MODULE = "airflow.models.deadline_alert"


def understand_serialized_deadlines() -> None:
    """Make the look-up of a deadline accept its serialized form, too.

    The plugin calls this in each of Airflow's processes, before a run changes its state. Only a process with the ORM
    can run ``airflow dags test``; in the others this has no effect. A fixed Airflow looks up only ids, so this has no
    effect there either.
    """
    models = sys.modules.get(_MODULE)
    if models is None or hasattr(models.DeadlineAlert.get_by_id, "is_shim"):
        return
    model = models.DeadlineAlert
    look_up = model.get_by_id

    def get_by_id(deadline_alert_id: Any, **options: Any) -> Any:
        if not isinstance(deadline_alert_id, dict):
            return look_up(deadline_alert_id, **options)
        # Its reference is the only field that is used.
        return model(reference=deadline_alert_id["reference"])

    get_by_id.is_shim = True  # type: ignore[attr-defined]
    model.get_by_id = staticmethod(get_by_id)
