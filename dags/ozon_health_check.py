"""
### Ozon health check: is everything well, every quarter of an hour

**Why.** To know of a failure before the analysts and category managers do: that data stopped flowing, that Ozon refuses
a key, that the database fills up.

**What and when.** At `schedule.health` of `config/ozon.toml`: `check` measures each area of `health.checks`,
`summarize` stores what they found in `ozon.health_checks`, tells what is new by the channels of `alerts`, and pings the
dead-man's switch; `verdict` is red while anything is critical.

**What it does to production.** It reads, and writes nothing but `health_checks` and `alerts`. It goes on, and still
alerts, when the warehouse or Ozon is down; a check that fails itself is an "error", neither good nor bad.

**When it fails.** A red `verdict` means that something is critical; docs/runbook.md says what to do. Any other red task
is a fault of the check itself: its last error says what to mend. `ozon health` runs the same in a terminal.
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

    # Whatever became of the checks: what is missing could not be measured, and that is told.
    @task(trigger_rule="all_done", pool=SETTINGS.alerts.pool, execution_timeout=timedelta(minutes=5))
    def summarize(areas, found):
        from include.ozon.adapter.tasks.health import sum_up

        return sum_up(areas, found)

    # Red because of what it found, which `summarize` has told: no failure of a task, and nothing to try again.
    @task(retries=0, on_failure_callback=None)
    def verdict(status):
        from include.ozon.adapter.tasks.health import give_verdict

        give_verdict(status)

    areas = select_areas()
    areas >> verdict(summarize(areas, check.expand(area=areas)))


ozon_health_check()
