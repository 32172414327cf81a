"""What Airflow has to know of this package's deadlines: the moment that they are counted from."""

from airflow.plugins_manager import AirflowPlugin

from include.ozon.adapter.dags.dags_test_shim import understand_serialized_deadlines
from include.ozon.adapter.dags.deadlines import RunDue


class OzonDeadlines(AirflowPlugin):
    name = "ozon_deadlines"
    deadline_references = (RunDue,)

    @classmethod
    def on_load(cls, *args, **kwargs):
        understand_serialized_deadlines()
