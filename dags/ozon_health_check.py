"""
### Ozon health check: the state of the whole system, every 15 minutes

**Why.** To find failures before analysts and category managers do: data that stopped flowing, a key that Ozon refuses,
a database that fills up.

**What and when.** At `schedule.health` of `config/ozon.toml`: `check` measures each area of `health.checks`, and
`summarize` stores the results in `ozon.health_checks`, notifies the channels of `alerts`, and pings the dead man's
switch. `verdict` fails while anything is critical.

**What it does to production.** It writes only to `health_checks` and the tables of the alerts. It also runs, and
notifies, when the warehouse or Ozon is down. A check that fails itself has the status "error", which is neither good
nor bad.

**When it fails.** A failed `verdict` means that something is critical; docs/runbook.md says what to do. If another task
fails, the check itself is broken: its last error says what to fix. `ozon health` runs the same checks in a terminal.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from include.ozon.adapter.dags.deadlines import run_deadline
from include.ozon.adapter.dags.defaults import health_params, monitoring_defaults
from include.ozon.configuration import load_settings

SETTINGS = load_settings()


@dag(
    schedule=CronTriggerTimetable(SETTINGS.schedule.health, timezone=SETTINGS.time_zone),
    catchup=False,
    max_active_runs=1,
    default_args=monitoring_defaults(SETTINGS),
    params=health_params(SETTINGS),
    deadline=run_deadline("ozon_health_check", SETTINGS),
    tags=["ozon", "monitoring"],
    doc_md=__doc__,
)
def ozon_health_check():
    @task
    def select_areas():
        from include.ozon.adapter.tasks.health import selected_areas

        return selected_areas()

    @task(execution_timeout=timedelta(minutes=2))
    def check(area):
        from include.ozon.adapter.tasks.health import check_area

        return check_area(area)

    # all_done: areas whose task failed are reported as not measured.
    @task(trigger_rule="all_done", pool=SETTINGS.alerts.pool, execution_timeout=timedelta(minutes=5))
    def summarize(areas, found):
        from include.ozon.adapter.tasks.health import sum_up

        return sum_up(areas, found)

    # It fails because of the results, for which `summarize` has sent alerts: no retry, no alert of its own.
    @task(retries=0, on_failure_callback=None)
    def verdict(status):
        from include.ozon.adapter.tasks.health import give_verdict

        give_verdict(status)

    areas = select_areas()
    areas >> verdict(summarize(areas, check.expand(area=areas)))


ozon_health_check()
