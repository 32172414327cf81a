"""The Airflow plugin: the reference of the deadlines, and the page "Ozon" in the navigation, of each DAG and DAG run.

Airflow finds it by the entry point ``airflow.plugins`` of an installed package, or by ``plugins/ozon.py``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from include.ozon.adapter.dags.dags_test_shim import understand_serialized_deadlines
from include.ozon.adapter.dags.deadlines import RunDue

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/ozon"
ADDRESS = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/") + PREFIX


async def page(scope: Any, receive: Any, send: Any) -> None:
    """Serve the page; imported with the first request, because every process of Airflow loads this plugin."""
    await _app()(scope, receive, send)


@cache
def _app() -> FastAPI:
    from include.ozon.adapter.page.app import ozon_page  # noqa: PLC0415

    return ozon_page()


class OzonPlugin(AirflowPlugin):
    """The plugin, without which Airflow cannot create a run of a DAG with a deadline."""

    name = "ozon"
    deadline_references = [RunDue]  # noqa: RUF012 - Airflow's attributes
    fastapi_apps = [{"app": page, "url_prefix": PREFIX, "name": "Ozon"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {"name": "Ozon", "href": f"{ADDRESS}/", "destination": "nav", "url_route": "ozon"},
        {"name": "Ozon", "href": f"{ADDRESS}/runs?dag_id={{DAG_ID}}", "destination": "dag", "url_route": "ozon_dag"},
        {
            "name": "Ozon",
            "href": f"{ADDRESS}/runs?dag_id={{DAG_ID}}&dag_run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "ozon_run",
        },
    ]

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        understand_serialized_deadlines()
