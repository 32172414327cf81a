"""Airflow plugin with the reference of this package's deadlines."""

from airflow.plugins_manager import AirflowPlugin

from include.ozon.adapter.dags.dags_test_shim import understand_serialized_deadlines
from include.ozon.adapter.dags.deadlines import RunDue


class OzonDeadlines(AirflowPlugin):
    name = "ozon_deadlines"
    deadline_references = (RunDue,)

    @classmethod
    def on_load(cls, *args, **kwargs):
        understand_serialized_deadlines()
