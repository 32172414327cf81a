"""
### Ozon ETL: the catalogue and its stock, four times a day

**Why.** Analysts query the warehouse instead of Ozon, and category managers see in it what customers can see.

**What and when.** At `schedule.etl` of `config/ozon.toml`, one run at a time, for each account: `product_etl` loads all
products, `inventory_etl` loads their stock, `close_workflow` records the result. Then `announce` triggers the metrics.

**What it does to production.** Each component writes in one transaction, so readers see only complete states. A failed
or cancelled run changes only its record; running it again is safe. A busy account is skipped.

**When it fails.** The task's last error says what to do; docs/runbook.md has more. A wrong key or setting fails at
once, all other errors are retried. If a guard stopped a load, its error names the `accept_guard` that lets it through.
"""

from airflow.sdk import CronTriggerTimetable, Metadata, chain, dag, task, task_group

from include.ozon.adapter.dags.deadlines import run_deadline
from include.ozon.adapter.dags.defaults import LOADED, component_task, load_params, task_defaults
from include.ozon.adapter.dags.load_component import LoadComponent
from include.ozon.configuration import load_settings
from include.ozon.pipeline.components import COMPONENT_NAMES

SETTINGS = load_settings()


@dag(
    schedule=CronTriggerTimetable(SETTINGS.schedule.etl, timezone=SETTINGS.time_zone),
    catchup=False,
    max_active_runs=1,
    default_args=task_defaults(SETTINGS),
    params=load_params(SETTINGS),
    deadline=run_deadline("ozon_etl", SETTINGS),
    tags=["ozon", "etl"],
    doc_md=__doc__,
)
def ozon_etl():
    @task
    def select_accounts():
        from include.ozon.adapter.tasks.load import selected_accounts

        return selected_accounts()

    @task
    def close_workflow(account):
        from include.ozon.adapter.tasks.load import end_load

        return end_load(account)

    @task(outlets=[LOADED])
    def announce():
        from include.ozon.adapter.tasks.load import loaded_accounts

        yield Metadata(LOADED, {"accounts": loaded_accounts()})

    announced = announce().as_teardown(on_failure_fail_dagrun=True)  # all_done would make a failed run a success

    @task_group(prefix_group_id=False)
    def account_load(account):
        closed = close_workflow(account).as_teardown(on_failure_fail_dagrun=False)
        loads = [
            LoadComponent(component=name, account=account, **component_task(name, SETTINGS)) for name in COMPONENT_NAMES
        ]
        chain(*loads, closed, announced)

    account_load.expand(account=select_accounts())


ozon_etl()
