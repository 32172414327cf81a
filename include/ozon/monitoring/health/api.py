"""Whether the Seller API can be used with each account's key, now and in the coming days, and how well it answers.

The key's four checks share one request of ``/v1/roles`` for each account.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

from include.ozon.errors import AccessDeniedError, ConnectionSettingsError, FatalError, OzonError, RateLimitedError
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Measures, checks_of, rules_of
from include.ozon.monitoring.results import Finding, Status, judge, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.settings import Settings
from include.ozon.settings.limits import AboveShare, Below, State
from include.ozon.words import moment

if TYPE_CHECKING:
    from include.ozon.marketplace.answers import Roles

_USAGE_AGE = timedelta(hours=24)

USAGE: LiteralString = """
SELECT coalesce(sum(api_requests), 0)::bigint, coalesce(sum(api_retries), 0)::bigint,
       coalesce(sum(api_rate_limited), 0)::bigint
FROM ozon.etl_component_executions
WHERE account = %(account)s AND started_at > %(since)s AND started_at <= %(now)s
"""

API_REACHABLE = Rule(
    name="api_reachable",
    title="the Seller API does not answer",
    measures="The Seller API answers.",
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step="Wait: loads try again. If it lasts, check network, proxy and Ozon's status.",
    meaning="No answer from Ozon, for health check and loads.",
    remedy="Wait. If it lasts: proxy, DNS, firewall of this machine; Ozon's status page.",
    group="api_availability",
)

API_KEY = Rule(
    name="api_key",
    title="Ozon refuses access",
    measures="Ozon accepts the account's key.",
    limits=State(level="critical"),
    next_step="Do what the message says; a new key goes into the connection ozon_api_<account>: docs/runbook.md.",
    meaning="Ozon knows the Client-Id or key no longer, or has shut the account out.",
    remedy="What the message says: often [a new key](#changing-an-api-key-without-a-gap). Deleted by somebody in Ozon "
    "Seller?",
    group="api_access",
)

API_KEY_EXPIRES_DAYS = Rule(
    name="api_key_expires_days",
    title="the key expires soon",
    measures="In how many days the account's key expires.",
    unit=Unit.DAYS,
    limits=Below(warning=14, critical=3),
    next_step="Make a new key in Ozon Seller and put it into the connection ozon_api_<account>: docs/runbook.md.",
    meaning="The key ends soon; it still works.",
    remedy="[A new key](#changing-an-api-key-without-a-gap), in office hours.",
    group="api_access",
)

API_METHODS = Rule(
    name="api_methods",
    title="the key may not call what the load needs",
    measures="The key may call every method that the load needs.",
    limits=State(level="critical"),
    next_step="Give the key the missing roles in Ozon Seller.",
    meaning="The key's roles do not allow all that the load calls.",
    remedy='Make a key with the role "Admin read only".',
    group="api_access",
)

API_ERROR_RATE_PCT = Rule(
    name="api_error_rate_pct",
    title="the Seller API often fails",
    measures="The share of requests in 24 hours that had to be repeated; `min_count` is of requests.",
    unit=Unit.SHARE,
    limits=AboveShare(warning=5, critical=25, min_count=20),
    next_step="Wait; if it lasts, check network and proxy.",
    meaning="Many requests had to be repeated. The loads may still succeed.",
    remedy="Wait. If it lasts: the network between here and Ozon.",
    group="api_availability",
)

API_RATE_LIMITED_PCT = Rule(
    name="api_rate_limited_pct",
    title="Ozon limits the requests",
    measures="The share of requests in 24 hours that got a 429; `min_count` is of requests.",
    unit=Unit.SHARE,
    limits=AboveShare(warning=5, critical=25, min_count=20),
    next_step="Look for other programs with this Client-Id, or lower api.requests_per_second.",
    meaning="Ozon refuses many requests as too many (429).",
    remedy="Which other program uses this Client-Id? Lower `api.requests_per_second`.",
    group="api_availability",
)


# Not API_KEY_EXPIRES_DAYS: a key that still works breaks nothing, however soon it expires.
API_DOWN = (API_REACHABLE, API_KEY, API_METHODS, API_ERROR_RATE_PCT, API_RATE_LIMITED_PCT)


def needed_methods(settings: Settings) -> tuple[str, ...]:
    """The methods that a load with these settings calls."""
    return tuple(dict.fromkeys(path for component in COMPONENTS for path in component.methods(settings)))


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
        from include.ozon.marketplace.answers import Roles

        account = self._account
        match answer := self._ask():
            case _NoConnectionError():
                return unknown(f"Nobody was asked for account {account}, as it has no connection; see api_key")
            case AccessDeniedError() | RateLimitedError() | Roles():
                seen = f"The Seller API answered for account {account} in {self._seconds:.2f} seconds"
                return judge_state(self._settings, API_REACHABLE, True, seen, round(self._seconds, 4))
            case OzonError():
                seen = f"The Seller API cannot be used for account {account}: {_without_stop(answer)}"
                return judge_state(self._settings, API_REACHABLE, False, seen)
        raise answer

    def accepted(self) -> Finding:
        from include.ozon.marketplace.answers import Roles
        from include.ozon.marketplace.faults import RoleMissingError

        account = self._account
        match answer := self._ask():
            case Roles() | RoleMissingError():
                return judge_state(self._settings, API_KEY, True, f"Ozon accepts the key of account {account}")
            case AccessDeniedError():
                seen = f"Ozon refuses access to account {account}: {_without_stop(answer)}"
                return judge_state(self._settings, API_KEY, False, seen)
            case _NoConnectionError():
                seen = f"Account {account} has no key: {_without_stop(answer)}"
                return judge_state(self._settings, API_KEY, False, seen)
        return self._not_answered(answer)

    def expires(self) -> Finding:
        """The value is negative for a key that is accepted although its time is over."""
        from include.ozon.marketplace.answers import Roles, set_moment

        account = self._account
        answer = self._ask()
        if not isinstance(answer, Roles):
            return self._not_answered(answer)
        named = set_moment(answer.expires_at)
        if named is None:
            return Finding(Status.OK, f"Ozon names no day on which the key of account {account} expires.")
        expires_at = datetime.fromisoformat(named)
        days = (expires_at - self._context.now).total_seconds() / 86_400
        local = moment(expires_at, self._context.settings)
        seen = f"The key of account {account} expires in {days:.1f} days, at {local}"
        if days < 0:
            seen = f"The key of account {account} expired at {local}"
        return judge(self._settings, API_KEY_EXPIRES_DAYS, round(days, 3), seen)

    def methods(self) -> Finding:
        """The value is the number of methods that are missing."""
        from include.ozon.marketplace.answers import Roles
        from include.ozon.marketplace.faults import RoleMissingError

        account = self._account
        answer = self._ask()
        if isinstance(answer, RoleMissingError):
            seen = f"The key of account {account} lacks a role: {_without_stop(answer)}"
            return judge_state(self._settings, API_METHODS, False, seen)
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
        return judge_state(self._settings, API_METHODS, not missing, seen, float(len(missing)))

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

    def __init__(self, context: HealthContext, account: str) -> None:
        self._context = context
        self._account = account

    def error_rate(self) -> Finding:
        requests, retries, _ = self._counts()
        return self._judge(API_ERROR_RATE_PCT, requests, retries, "had to be repeated")

    def rate_limited(self) -> Finding:
        requests, _, rate_limited = self._counts()
        return self._judge(API_RATE_LIMITED_PCT, requests, rate_limited, "were refused as too many (429)")

    def _judge(self, rule: Rule[AboveShare], requests: int, concerned: int, what: str) -> Finding:
        if not requests:
            return unknown(f"Account {self._account} has sent no requests in the last 24 hours")
        pct = round(100 * concerned / requests, 3)
        seen = (
            f"{concerned} of {requests} requests of account {self._account} in the last 24 hours {what} ({pct:.1f} %)"
        )
        return judge(self._context.settings, rule, pct, seen, count=requests)

    def _counts(self) -> tuple[int, int, int]:
        now = self._context.now
        found = self._context.row(USAGE, account=self._account, since=now - _USAGE_AGE, now=now)
        requests, retries, rate_limited = found or (0, 0, 0)
        return requests, retries, rate_limited


def _without_stop(error: Exception) -> str:
    return str(error).rstrip(".")


_OF_THE_KEY: Measures[_Key] = (
    (API_REACHABLE, _Key.reachable),
    (API_KEY, _Key.accepted),
    (API_KEY_EXPIRES_DAYS, _Key.expires),
    (API_METHODS, _Key.methods),
)
_OF_THE_USAGE: Measures[_Usage] = (
    (API_ERROR_RATE_PCT, _Usage.error_rate),
    (API_RATE_LIMITED_PCT, _Usage.rate_limited),
)


def checks(context: HealthContext) -> Iterator[Check]:
    for account in context.accounts:
        yield from checks_of(_OF_THE_KEY, _Key(context, account), account)
        yield from checks_of(_OF_THE_USAGE, _Usage(context, account), account)


AREA = Area("api", rules_of(_OF_THE_KEY, _OF_THE_USAGE), checks)
