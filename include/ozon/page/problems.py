"""The pages about what cannot be shown: not signed in, not allowed, not found, the warehouse down, an error."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from include.ozon.errors import FatalError, RetriableError
from include.ozon.page.access import NotAllowedError, NotSignedInError
from include.ozon.page.rendering import bare_page
from include.ozon.page.view import NotFoundError
from include.ozon.translation import N_


@dataclass(frozen=True)
class Problem:
    """An explanation of what happened and what to do, with the error's own sentence if ``has_detail``."""

    status: int
    title: str
    advice: str
    has_detail: bool = False


_PROBLEMS: dict[type[Exception], Problem] = {
    NotSignedInError: Problem(
        401,
        N_("Sign in to see this page"),
        N_("It shows data of your shop to people who are signed in to Airflow."),
    ),
    NotAllowedError: Problem(
        403,
        N_("You may not see or do this"),
        N_("Ask the administrator of Airflow for access to the DAG ozon_etl."),
    ),
    NotFoundError: Problem(
        404, N_("There is nothing at this address"), N_("Go back to the overview and choose from there.")
    ),
    RequestValidationError: Problem(
        422, N_("This address cannot be read"), N_("One of its parameters has a wrong value.")
    ),
    RetriableError: Problem(
        503,
        N_("The warehouse does not answer"),
        N_("Nothing is lost: loads are repeated when it is back. Reload this page in a minute."),
        has_detail=True,
    ),
    FatalError: Problem(500, N_("The installation is not ready"), N_("An engineer has to act."), has_detail=True),
    HTTPException: Problem(404, N_("There is nothing at this address"), N_("Go back to the overview.")),
    Exception: Problem(500, N_("This page could not be made"), N_("The log of Airflow's API server has the reason.")),
}

HANDLED = tuple(kind for kind in _PROBLEMS if kind is not Exception)


async def problem_page(request: Request, error: Exception) -> Response:
    """Return the page about an error. It needs no other file: it is also for people who may see nothing else."""
    problem = next(_PROBLEMS[kind] for kind in type(error).__mro__ if kind in _PROBLEMS)
    nonce = secrets.token_urlsafe(16)
    response = bare_page(
        "problem.html",
        error.status_code if isinstance(error, HTTPException) else problem.status,
        problem=problem,
        detail=str(error) if problem.has_detail else "",
        sign_in=_sign_in_address(request) if isinstance(error, NotSignedInError) else "",
        nonce=nonce,
    )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return response


def _sign_in_address(request: Request) -> str:
    airflow = str(request.scope.get("root_path", "")).rpartition("/")[0]
    # Without the host: behind a proxy this server does not know whether the browser uses https.
    page = str(request.url.replace(scheme="", netloc=""))
    return f"{airflow}/auth/login?next={quote(page, safe='')}"
