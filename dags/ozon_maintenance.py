"""
### Ozon maintenance: retention and clean-up

**Why.** Logs fill disks, history slows the warehouse down, and the record of a killed run shows "running" until
maintenance closes it.

**What and when.** Every night at `schedule.maintenance` of `config/ozon.toml`, a task for each step: `logs` and
`reports` delete expired files, `killed_runs` closes records, `staging` drops leftovers, `history`, `monitoring` and
`records` delete expired rows, `vacuum` frees their space, `metadata` runs `airflow db clean`. `sum_up` logs what was
freed. If a step fails, the others still run, and `verdict` fails at the end.

**What it does to production.** It deletes data that is older than the settings of `maintenance` allow, in batches that
do not block loads, and only files of Airflow and of this package in the configured folders. It follows no links. With
`dry_run` it shows what it would free and changes nothing.

**When it fails.** The step's last error says what to do. Deleted data stays deleted, and the next run continues.
`ozon maintenance STEP` runs the same step in a terminal.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, Param, chain, dag, task

from include.ozon.adapter.dags.deadlines import run_deadline
from include.ozon.adapter.dags.defaults import monitoring_defaults
from include.ozon.configuration import load_settings
from include.ozon.maintenance.steps import STEPS, WAREHOUSE_STEPS

SETTINGS = load_settings()


@dag(
    schedule=CronTriggerTimetable(SETTINGS.schedule.maintenance, timezone=SETTINGS.time_zone),
    catchup=False,
    max_active_runs=1,
    default_args=monitoring_defaults(SETTINGS),
    params={
        "dry_run": Param(default=False, description="Show what would be freed, and delete nothing.", type="boolean")
    },
    deadline=run_deadline("ozon_maintenance", SETTINGS),
    tags=["ozon", "maintenance"],
    doc_md=__doc__,
)
def ozon_maintenance():
    # all_done: only the order of the steps matters, not their success.
    @task(trigger_rule="all_done", execution_timeout=timedelta(minutes=30))
    def clean(step):
        from include.ozon.adapter.tasks.maintenance import run_step

        return run_step(step)

    @task(trigger_rule="all_done")
    def sum_up(found):
        from include.ozon.adapter.tasks.maintenance import sum_up

        return sum_up(found)

    # It fails because of steps that have already sent alerts: no retry, no alert of its own.
    @task(retries=0, on_failure_callback=None)
    def verdict(failed):
        from include.ozon.adapter.tasks.maintenance import give_verdict

        give_verdict(failed)

    freed = {step: clean.override(task_id=step)(step) for step in STEPS}
    chain(*(freed[step] for step in WAREHOUSE_STEPS))
    verdict(sum_up(list(freed.values())))


ozon_maintenance()
