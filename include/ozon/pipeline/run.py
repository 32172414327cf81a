"""The run that a component belongs to, with its parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from include.ozon.marketplace.client import SellerClient
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connect

OpenClient = Callable[[threading.Event], SellerClient]
"""A factory of the account's client; setting the event ends all waits of the client."""


@dataclass(frozen=True)
class Run:
    """One account's part of one DAG run: a workflow.

    ``trigger`` is Airflow's type of run (scheduled, manual, ...). ``accept_guards`` names the guards that only warn in
    this run. A ``dry_run`` reads and compares without writing to any table.
    """

    account: str
    dag_run_id: str
    trigger: str
    settings: Settings
    connect: Connect
    open_client: OpenClient
    dry_run: bool = False
    accept_guards: frozenset[str] = field(default_factory=frozenset)

    @property
    def workflow_id(self) -> str:
        return f"{self.dag_run_id}/{self.account}"
