"""product_etl as a DAG run calls it, but without the rate limit, because the other contenders have none."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg

from include.ozon.configuration import load_settings
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.pacer import Pacer
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.pipeline.run import Run
from include.ozon.warehouse import schema

TABLE = "ozon.products"
MERGES = True

_NO_LIMIT_PER_SECOND = 1e6


def prepare(dsn: str) -> None:
    schema.upgrade(lambda: psycopg.connect(dsn))


def load(base_url: str, dsn: str, folder: Path) -> None:
    settings = load_settings(environment="production", environ={})
    credentials = Credentials(base_url=base_url, client_id="1", api_key="key", source="ozon_api_main")
    run_component(
        PRODUCT_ETL,
        Run(
            account="main",
            dag_run_id=f"benchmark__{uuid.uuid4()}",
            trigger="manual",
            settings=settings,
            connect=lambda: psycopg.connect(dsn),
            open_client=lambda stop: SellerClient(
                credentials, settings.api, pacer=Pacer(_NO_LIMIT_PER_SECOND), stop=stop
            ),
        ),
    )
