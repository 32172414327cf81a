"""Whether the Seller API can be used with each account's key, now and in the coming days, and how well it answers.

The key's four checks share one request of ``/v1/roles`` for each account.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import LiteralString

from include.ozon.errors import (
    AccessDeniedError,
    ConnectionSettingsError,
    FatalError,
    OzonError,
    RateLimitedError,
)
from include.ozon.marketplace import methods as api
from include.ozon.marketplace.answers import Roles, set_moment
from include.ozon.marketplace.faults import RoleMissingError
from include.ozon.monitoring.health.checks import Check, HealthContext
from include.ozon.monitoring.health.session import WarehouseSession
from include.ozon.monitoring.health.words import at
from include.ozon.monitoring.results import Finding, Status, judge, judge_state, unknown
from include.ozon.settings import Settings

_USAGE_AGE = timedelta(hours=24)

USAGE: LiteralString = """
SELECT coalesce(sum(api_requests), 0)::bigint, coalesce(sum(api_retries), 0)::bigint,
       coalesce(sum(api_rate_limited), 0)::bigint
FROM ozon.etl_component_executions
WHERE account = %(account)s AND started_at > %(since)s AND started_at <= %(now)s
"""


def checks(context: HealthContext) -> Iterator[Check]:
    session = WarehouseSession(context)
    for account in context.accounts:
        key = _Key(context, account)
        usage = _Usage(context, session, account)
        for name, measure in (
            ("api_reachable", key.reachable),
            ("api_key", key.accepted),
            ("api_key_expires_days", key.expires),
            ("api_methods", key.methods),
            ("api_error_rate_pct", usage.error_rate),
            ("api_rate_limited_pct", usage.rate_limited),
        ):
            yield Check(name, measure, account)


def needed_methods(settings: Settings) -> tuple[str, ...]:
    """The methods that a load with these settings calls."""
    paths = [api.PRODUCT_LIST.path, api.PRODUCT_DETAILS.path, api.STOCKS.path]
    if settings.inventory.seller_warehouses:
        paths += [api.WAREHOUSES.path, api.WAREHOUSE_STOCKS.path]
    if settings.inventory.ozon_warehouses:
        paths.append(api.FBO_STOCKS.path)
    return tuple(paths)


class _NoConnectionError(FatalError):
    """There is no connection for the account, so nobody was asked."""


class _Key:
    """What the API says of one account's key, asked at the first need and once.

    Each check says only what is its own: an API that does not answer is ``api_reachable``'s, a key that Ozon
    refuses is ``api_key``'s, and what cannot be known for that reason is UNKNOWN.
    """

    def __init__(self, context: HealthContext, account: str) -> None:
        self._context = context
        self._account = account
        self._settings = context.settings
        self._answer: Roles | Exception | None = None
        self._seconds = 0.0

    def reachable(self) -> Finding:
        """The value is the seconds that the answer took."""
        name, account = "api_reachable", self._account
        match answer := self._ask():
            case _NoConnectionError():
                return unknown(f"Nobody was asked for account {account}, as it has no connection; see api_key")
            case AccessDeniedError() | RateLimitedError() | Roles():
                seen = f"The Seller API answered for account {account} in {self._seconds:.2f} seconds"
                return judge_state(self._settings, name, True, seen, round(self._seconds, 4))
            case OzonError():
                seen = f"The Seller API cannot be used for account {account}: {_without_stop(answer)}"
                return judge_state(self._settings, name, False, seen)
        raise answer

    def accepted(self) -> Finding:
        name, account = "api_key", self._account
        match answer := self._ask():
            case Roles() | RoleMissingError():
                return judge_state(self._settings, name, True, f"Ozon accepts the key of account {account}")
            case AccessDeniedError():
                seen = f"Ozon refuses the key of account {account}: {_without_stop(answer)}"
                return judge_state(self._settings, name, False, seen)
            case _NoConnectionError():
                seen = f"Account {account} has no key: {_without_stop(answer)}"
                return judge_state(self._settings, name, False, seen)
        return self._not_answered(answer)

    def expires(self) -> Finding:
        """The value is negative for a key that is accepted although its time is over."""
        name, account = "api_key_expires_days", self._account
        answer = self._ask()
        if not isinstance(answer, Roles):
            return self._not_answered(answer)
        moment = set_moment(answer.expires_at)
        if moment is None:
            return Finding(Status.OK, f"Ozon names no day on which the key of account {account} expires.")
        expires_at = datetime.fromisoformat(moment)
        days = (expires_at - self._context.now).total_seconds() / 86_400
        local = at(self._context.settings, expires_at)
        seen = f"The key of account {account} expires in {days:.1f} days, at {local}"
        if days < 0:
            seen = f"The key of account {account} expired at {local}"
        return judge(self._settings, name, round(days, 3), seen)

    def methods(self) -> Finding:
        """The value is the number of methods that are missing."""
        name, account = "api_methods", self._account
        answer = self._ask()
        if isinstance(answer, RoleMissingError):
            seen = f"The key of account {account} lacks a role: {_without_stop(answer)}"
            return judge_state(self._settings, name, False, seen)
        if not isinstance(answer, Roles):
            return self._not_answered(answer)
        needed = needed_methods(self._context.settings)
        allowed = {path: answer.allow(path) for path in needed}
        if None in allowed.values():
            return unknown(
                f"Ozon does not say which methods the key of account {account} may call; the next load will show it"
            )
        missing = [path for path in needed if not allowed[path]]
        seen = f"The key of account {account} may call all {len(needed)} methods that the load needs"
        if missing:
            seen = (
                f"The key of account {account} may not call {', '.join(missing)}, which the load needs; make a key "
                "with a role for them in the seller's account (Settings, API keys)"
            )
        return judge_state(self._settings, name, not missing, seen, float(len(missing)))

    def _ask(self) -> Roles | Exception:
        """The answer, or why there is none."""
        if self._answer is None:
            started = time.monotonic()
            try:
                self._answer = self._roles()
            except Exception as error:  # each check decides for itself what it means
                self._answer = error
            self._seconds = time.monotonic() - started
        return self._answer

    def _roles(self) -> Roles:
        try:
            client = self._context.open_client(self._account)
        except ConnectionSettingsError as error:
            raise _NoConnectionError(str(error)) from error
        with client:
            return client.roles()

    def _not_answered(self, answer: Exception) -> Finding:
        """What cannot be known, for a reason that another check tells; raises where it broke this one, too."""
        match answer:
            case AccessDeniedError() | _NoConnectionError():
                return unknown(f"Ozon says nothing about account {self._account} without a valid key; see api_key")
            case RateLimitedError():
                return unknown(
                    f"Ozon asked to wait instead of answering for account {self._account}; the next check asks again"
                )
        raise answer


class _Usage:
    """How the API answered the loads of the last 24 hours."""

    def __init__(self, context: HealthContext, session: WarehouseSession, account: str) -> None:
        self._context = context
        self._session = session
        self._account = account

    def error_rate(self) -> Finding:
        requests, retries, _ = self._counts()
        return self._judge("api_error_rate_pct", requests, retries, "had to be repeated")

    def rate_limited(self) -> Finding:
        requests, _, rate_limited = self._counts()
        return self._judge("api_rate_limited_pct", requests, rate_limited, "were refused as too many (429)")

    def _judge(self, name: str, requests: int, concerned: int, what: str) -> Finding:
        if not requests:
            return unknown(f"Account {self._account} has sent no requests in the last 24 hours")
        pct = round(100 * concerned / requests, 3)
        seen = (
            f"{concerned} of {requests} requests of account {self._account} in the last 24 hours {what} ({pct:.1f} %)"
        )
        return judge(self._context.settings, name, pct, seen, count=requests)

    def _counts(self) -> tuple[int, int, int]:
        now = self._context.now
        found = self._session.row(USAGE, account=self._account, since=now - _USAGE_AGE, now=now)
        requests, retries, rate_limited = found or (0, 0, 0)
        return requests, retries, rate_limited


def _without_stop(error: Exception) -> str:
    return str(error).rstrip(".")
