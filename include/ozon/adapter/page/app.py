"""The page's application as Airflow's plugin mounts it, with Airflow's sign-in and connections."""

from __future__ import annotations

from functools import partial

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.models.dag import DagModel
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials

from include.ozon.adapter.connections.warehouse import late_warehouse_connect
from include.ozon.configuration import load_settings
from include.ozon.page.access import NotAllowedError, NotSignedInError, Visitor
from include.ozon.page.app import create_app
from include.ozon.settings import dags
from include.ozon.warehouse import session


def ozon_page() -> FastAPI:
    return create_app(admit=admit, connect=_connect, load_settings=load_settings)


async def admit(request: Request) -> Visitor:
    """Return the signed-in person of the request, by Airflow's cookie or a bearer token.

    Raises NotSignedInError, and NotAllowedError if they may not see the DAG ``ozon_etl``.
    """
    credentials: HTTPAuthorizationCredentials | None = await bearer_scheme(request)
    try:
        user = await get_user(request, None, credentials)
    except HTTPException as error:
        raise NotSignedInError from error
    # An auth manager may ask a database or another server.
    may_see, may_edit = await run_in_threadpool(_permissions, user)
    if not may_see:
        raise NotAllowedError
    return Visitor(user.get_name(), may_acknowledge=may_edit)


def _permissions(user: BaseUser) -> tuple[bool, bool]:
    """Return whether the user may see the DAG ``ozon_etl``, and edit it."""
    details = DagDetails(id=dags.ETL, team_name=DagModel.get_team_name(dags.ETL))
    may = partial(get_auth_manager().is_authorized_dag, details=details, user=user)
    return may(method="GET"), may(method="PUT")


def _connect() -> session.Connection:
    return late_warehouse_connect(load_settings().warehouse)()
