"""Sessions of Airflow's metadata database, for a process that may use it: a command, and no task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from include.ozon.errors import RetriableError


@contextmanager
def metadata_session() -> Iterator[Session]:
    """A session that is committed at the block's end. Raises RetriableError where the database does not answer."""
    from airflow.utils.session import create_session  # noqa: PLC0415 - not to be had in a task

    with translated_errors(), create_session(scoped=False) as session:
        yield session


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise RetriableError in place of what SQLAlchemy raises."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        found = (str(cause).splitlines() or [type(error).__name__])[0].strip()
        raise RetriableError(
            f"Airflow's metadata database does not answer ({found}). Check that it runs, that "
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN names it, and that `airflow db migrate` was run."
        ) from None
