"""The functions of the tasks of ``ozon_etl``.

Imported inside the tasks: it imports the clients of PostgreSQL and of the API, which parsing a DAG does not need.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from functools import partial

from airflow.sdk import Context, get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.ozon.adapter.connections.accounts import check_accounts_are_distinct, open_seller_client
from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.adapter.lineage import emit_table_assets
from include.ozon.adapter.telemetry import measured_attempt
from include.ozon.configuration import load_settings
from include.ozon.errors import AlreadyRunningError, require_known
from include.ozon.pipeline import records
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.cancellation import cancellable
from include.ozon.pipeline.components import find_component
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.pipeline.run import Run
from include.ozon.pipeline.workflow import end_workflow
from include.ozon.settings import GuardsSettings, Settings, dags
from include.ozon.warehouse.session import open_session

logger = logging.getLogger("ozon.tasks")


def selected_accounts() -> list[str]:
    """Return the accounts that this DAG run loads: those of its parameter ``accounts``, or all.

    Raise ConfigurationError for an account or a guard that the configuration does not have.
    """
    settings = load_settings()
    params = get_current_context()["params"]
    accounts = list(dict.fromkeys(params["accounts"])) or list(settings.accounts)
    require_known("Parameter accounts", accounts, list(settings.accounts))
    require_known("Parameter accept_guard", params["accept_guard"], list(GuardsSettings.model_fields))
    check_accounts_are_distinct(accounts)
    return accounts


def load_component(name: str, account: str, numbers: ComponentNumbers) -> None:
    """Load a component for the account of this task, and fill its numbers.

    If the account is busy, the task is skipped with that reason; if it is interrupted, it fails without a retry.
    """
    context = get_current_context()
    name_map_index(context, account)
    run = account_run(account, load_settings(), context)
    measured = nullcontext() if run.dry_run else measured_attempt(name, account, numbers)
    try:
        with cancellable(), measured:
            run_component(find_component(name), run, numbers)
    except AlreadyRunningError as error:
        raise AirflowSkipException(str(error)) from error
    except KeyboardInterrupt as error:
        raise AirflowFailException(str(error) or "The run was interrupted.") from error
    if run.settings.tasks.table_assets:
        emit_table_assets(context, account, numbers)


def end_load(account: str) -> str:
    """Record the end of the account's workflow and drop its staging; a dry run has neither."""
    context = get_current_context()
    name_map_index(context, account)
    run = account_run(account, load_settings(), context)
    if run.dry_run:
        raise AirflowSkipException("A dry run leaves no record.")
    status = end_workflow(run)
    if status is None:
        raise AirflowSkipException(f"Workflow {run.workflow_id} has no record to close: it never started.")
    logger.info("Workflow %s ended: %s", run.workflow_id, status)
    return status


def loaded_accounts() -> dict[str, int]:
    """Return the accounts that this DAG run has loaded completely, with their numbers of changed rows.

    If there are none, skip the task, which then emits no asset event.
    """
    context = get_current_context()
    if context["params"]["dry_run"]:
        raise AirflowSkipException("A dry run loads nothing.")
    settings = load_settings()
    with open_session(warehouse_connect(settings.warehouse), settings.warehouse, dags.ETL) as connection:
        accounts = records.loaded_accounts(connection, _dag_run_id(context))
    if not accounts:
        raise AirflowSkipException("No account was loaded completely, so there is nothing new to measure.")
    return accounts


def account_run(account: str, settings: Settings, context: Context) -> Run:
    """Return one account's part of the DAG run of ``context``."""
    dag_run, params = context["dag_run"], context["params"]
    return Run(
        account=account,
        dag_run_id=_dag_run_id(context),
        trigger=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        settings=settings,
        connect=warehouse_connect(settings.warehouse),
        open_client=partial(open_seller_client, account, settings),
        dry_run=bool(params["dry_run"]),
        accept_guards=frozenset(params["accept_guard"]),
    )


def name_map_index(context: Context, account: str) -> None:
    """Show the account in the web UI instead of a mapped task's number (``map_index_template``)."""
    context["shown_name"] = context["account"] = account  # type: ignore[typeddict-unknown-key]


def _dag_run_id(context: Context) -> str:
    return str(context["dag_run"].run_id)
