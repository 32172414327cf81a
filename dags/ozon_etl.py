"""
### Ozon ETL: the catalogue and its stock, four times a day

**Why.** Analysts query the warehouse instead of Ozon; category managers learn from it what customers can see.

**What.** For each account, independent of the others: `product_etl` loads all products and what customers see of them,
then `inventory_etl` loads their stock, and `close_workflow` records how it ended. When all accounts are through,
`announce` emits the asset event that the metrics wait for.

**When.** At the hours of `schedule.etl` in `config/ozon.toml`, one run at a time, no catch-up: every run loads the
catalogue as it is now.

**What it does to production.** Each component writes in one transaction, so readers see complete states only. A failed,
stopped or cancelled run changes nothing but its record in `ozon.etl_workflow_executions`; running it again is safe.

**When it fails.** The task's last error is one sentence that says what to do; docs/runbook.md has more. A wrong key or
configuration fails at once, everything else is retried. A guard that stopped the load names the parameter
(`accept_guard`) that lets it through once.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Asset, CronTriggerTimetable, Metadata, dag, task, task_group

from include.ozon.adapter import tasks
from include.ozon.adapter.defaults import load_params, task_defaults
from include.ozon.pipeline.inventory_etl import run_inventory_etl
from include.ozon.pipeline.product_etl import run_product_etl
from include.ozon.settings import load_settings

SETTINGS = load_settings()
LOADED = Asset("ozon_loaded", uri="x-ozon://warehouse/loaded")

LOAD = {"pool": SETTINGS.tasks.pool, "map_index_template": "{{ account }}"}


@dag(
    schedule=CronTriggerTimetable(SETTINGS.schedule.etl, timezone=SETTINGS.time_zone),
    catchup=False,
    max_active_runs=1,
    default_args=task_defaults(SETTINGS),
    params=load_params(SETTINGS),
    tags=["ozon", "etl"],
    doc_md=__doc__,
)
def ozon_etl():
    @task
    def select_accounts():
        return tasks.selected_accounts()

    @task(execution_timeout=timedelta(minutes=SETTINGS.timeouts.product_etl_minutes), **LOAD)
    def product_etl(account):
        return tasks.run_component_task(run_product_etl, account)

    @task(execution_timeout=timedelta(minutes=SETTINGS.timeouts.inventory_etl_minutes), **LOAD)
    def inventory_etl(account):
        return tasks.run_component_task(run_inventory_etl, account)

    @task(map_index_template="{{ account }}")
    def close_workflow(account):
        return tasks.close_workflow_task(account)

    @task(outlets=[LOADED])
    def announce():
        yield Metadata(LOADED, {"accounts": tasks.loaded_accounts()})

    @task_group(prefix_group_id=False)
    def account_load(account):
        # Teardowns, because an all_done task as the last one would turn a failed run into a successful one.
        closed = close_workflow(account).as_teardown(on_failure_fail_dagrun=False)
        product_etl(account) >> inventory_etl(account) >> closed

    account_load.expand(account=select_accounts()) >> announce().as_teardown(on_failure_fail_dagrun=True)


ozon_etl()
