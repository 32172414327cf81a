"""``airflow dags test`` of a DAG with a deadline: a successful run has to end with exit code 0.

In Airflow 3.3.2 it ends with 1 (apache/airflow issue 73428, pull request 73430): in that process ``dag.deadline`` holds
the serialized deadlines where ``DagRun.update_state`` expects their ids and looks them up, which is "can't adapt type
'dict'" on PostgreSQL and "'dict' object has no attribute 'hex'" on SQLite. tests/e2e/test_deadline_mail.py fails as
soon as Airflow no longer needs this; then delete this module, its test, and its call in plugins/ozon_deadlines.py.
"""

from __future__ import annotations

import sys
from typing import Any

_MODULE = "airflow.models.deadline_alert"


def understand_serialized_deadlines() -> None:
    """Let the look-up of a deadline take its serialized form too; ids are looked up as ever.

    Called by the plugin, which Airflow loads in each of its processes, and before a run changes its state. Only one
    that has the ORM can run ``airflow dags test``; the others are left without it. An Airflow that is mended
    looks up nothing but ids, so nothing changes there.
    """
    models = sys.modules.get(_MODULE)
    if models is None or hasattr(models.DeadlineAlert.get_by_id, "is_shim"):
        return
    model = models.DeadlineAlert
    look_up = model.get_by_id

    def get_by_id(deadline_alert_id: Any, **options: Any) -> Any:
        if not isinstance(deadline_alert_id, dict):
            return look_up(deadline_alert_id, **options)
        # Of which kind its reference is: all that is asked of it.
        return model(reference=deadline_alert_id["reference"])

    get_by_id.is_shim = True  # type: ignore[attr-defined]
    model.get_by_id = staticmethod(get_by_id)
