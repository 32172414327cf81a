"""Airflow's Variables for commands, which have no supervisor: without one, `airflow.sdk.Variable` only reads.

The functions are those of `airflow.sdk.Variable`. They raise various errors if the database does not answer.
"""

from __future__ import annotations

from airflow.models.variable import Variable as Row
from airflow.sdk import Variable
from sqlalchemy import select

from include.ozon.adapter.metadata.database import metadata_session


def get(key: str, default: str | None) -> str | None:
    text: str | None = Variable.get(key, default=default)
    return text


def set(key: str, value: str, description: str) -> None:
    with metadata_session() as session:
        Row.set(key, value, description, session=session)


def keys(*, prefix: str) -> list[str]:
    with metadata_session() as session:
        return list(session.scalars(select(Row.key).where(Row.key.startswith(prefix, autoescape=True))))


def delete(key: str) -> None:
    with metadata_session() as session:
        Row.delete(key, session=session)
