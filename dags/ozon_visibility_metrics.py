"""
### Ozon visibility metrics: what customers can see, and what hidden products cost

**Why.** A product that goes out of sight sells nothing, and nobody notices. Category managers see here which products
turned invisible, why, and how much stock and money is hidden with them.

**What and when.** After each load (the asset `ozon_loaded`) for the loaded accounts, and daily at `schedule.metrics`
for all: `measure` measures one account, stores the numbers in `ozon.visibility_metrics` and saves the report below
`reports.folder`. `alert` notifies the channels when a threshold is crossed. `send_report` sends the report of all
accounts to the channels that receive `daily_report`, once a day: in the run by the schedule, or with the parameter
`send_report`.

**What it does to production.** It writes only to `visibility_metrics`, the tables of the alerts, and report files. A
repeated run measures again and does not change earlier measurements.

**When it fails.** The task's last error says what to do; docs/runbook.md has more. `ozon visibility` shows the same
report in a terminal.
"""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from include.ozon.adapter.dags.deadlines import run_deadline
from include.ozon.adapter.dags.defaults import LOADED, metrics_params, monitoring_defaults
from include.ozon.configuration import load_settings

SETTINGS = load_settings()


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(SETTINGS.schedule.metrics, timezone=SETTINGS.time_zone), assets=[LOADED]
    ),
    catchup=False,
    max_active_runs=1,
    default_args=monitoring_defaults(SETTINGS),
    params=metrics_params(SETTINGS),
    deadline=run_deadline("ozon_visibility_metrics", SETTINGS),
    tags=["ozon", "monitoring"],
    doc_md=__doc__,
)
def ozon_visibility_metrics():
    @task
    def select_accounts():
        from include.ozon.adapter.tasks.metrics import accounts_to_measure

        return accounts_to_measure()

    @task(execution_timeout=timedelta(minutes=10))
    def measure(account):
        from include.ozon.adapter.tasks.metrics import measure_account

        return measure_account(account)

    # all_done: if one account fails, the others still get their alerts and the report.
    @task(trigger_rule="all_done", pool=SETTINGS.alerts.pool, execution_timeout=timedelta(minutes=5))
    def alert(measured):
        from include.ozon.adapter.tasks.metrics import alert_of_metrics

        return alert_of_metrics(measured)

    @task(trigger_rule="all_done", pool=SETTINGS.alerts.pool, execution_timeout=timedelta(minutes=15))
    def send_report():
        from include.ozon.adapter.tasks.daily_report import send_daily_report

        return send_daily_report()

    measured, reported = measure.expand(account=select_accounts()), send_report()
    measured >> reported
    # The last task decides about the run, so it fails with each of the others.
    [measured, alert(measured), reported] >> EmptyOperator(task_id="verdict", trigger_rule="none_failed")


ozon_visibility_metrics()
