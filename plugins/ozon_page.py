"""Airflow plugin with the page "Ozon": in the navigation, and as a tab of each DAG and DAG run."""

from functools import cache
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

PREFIX = "/ozon"
ADDRESS = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/") + PREFIX


async def page(scope, receive, send):
    """Serve the page; imported with the first request, because every process of Airflow loads this plugin."""
    await _app()(scope, receive, send)


@cache
def _app():
    from include.ozon.adapter.page.app import ozon_page

    return ozon_page()


class OzonPage(AirflowPlugin):
    name = "ozon_page"
    fastapi_apps = [{"app": page, "url_prefix": PREFIX, "name": "Ozon"}]  # noqa: RUF012 (Airflow's attribute)
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
