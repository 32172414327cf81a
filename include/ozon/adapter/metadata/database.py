"""Sessions of Airflow's metadata database, for commands; tasks may not use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from include.ozon.errors import RetriableError


@contextmanager
def metadata_session() -> Iterator[Session]:
    """Open a session that is committed at the block's end. Raise RetriableError if the database does not answer."""
    from airflow.utils.session import create_session  # noqa: PLC0415 - not available in a task

    with translated_errors(), create_session(scoped=False) as session:
        yield session


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise RetriableError instead of SQLAlchemy's errors."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        found = (str(cause).splitlines() or [type(error).__name__])[0].strip()
        raise RetriableError(
            f"Airflow's metadata database does not answer ({found}). Check that it runs, that "
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN has its address, and that `airflow db migrate` was run."
        ) from None
