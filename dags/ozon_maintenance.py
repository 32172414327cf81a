"""
### Ozon maintenance: nothing grows for ever

**Why.** Logs fill disks, history slows the warehouse down, and the record of a run that was killed says "running" until
somebody closes it.

**What and when.** Every night at `schedule.maintenance` of `config/ozon.toml`, a task a step: `logs` and `reports`
delete files past their days, `killed_runs` closes records, `staging` drops leftovers, `history`, `monitoring` and
`records` delete rows past their days, `vacuum` takes up the room, `metadata` runs `airflow db clean`. `sum_up` says
what was freed; `verdict` is red where a step failed, which keeps none of the others from its work.

**What it does to production.** It deletes what `maintenance` of the configuration says is too old, in batches that
keep no load waiting, and only files that Airflow and this package have named, in the configured folders. No link is
followed. With `dry_run` it shows what it would free and changes nothing.

**When it fails.** The step's last error says what to do; what was deleted stays deleted, and the next run goes on from
there. `ozon maintenance STEP` runs the same in a terminal.
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
    # Whatever became of the step before: only its order matters.
    @task(trigger_rule="all_done", execution_timeout=timedelta(minutes=30))
    def clean(step):
        from include.ozon.adapter.tasks.maintenance import run_step

        return run_step(step)

    @task(trigger_rule="all_done")
    def sum_up(found):
        from include.ozon.adapter.tasks.maintenance import sum_up

        return sum_up(found)

    # Red because of the steps that failed, each of which was told: nothing to try again.
    @task(retries=0, on_failure_callback=None)
    def verdict(failed):
        from include.ozon.adapter.tasks.maintenance import give_verdict

        give_verdict(failed)

    freed = {step: clean.override(task_id=step)(step) for step in STEPS}
    chain(*(freed[step] for step in WAREHOUSE_STEPS))
    verdict(sum_up(list(freed.values())))


ozon_maintenance()
