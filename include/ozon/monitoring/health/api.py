"""The area of the Seller API: each account's key, and the answers to its requests.

The four checks of a key share one request of ``/v1/roles``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

from include.ozon.errors import AccessDeniedError, ConnectionSettingsError, FatalError, OzonError, RateLimitedError
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Measures, checks_of, rules_of
from include.ozon.monitoring.results import Judgement, Status, judge, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.settings import Settings
from include.ozon.settings.limits import AboveShare, Below, State
from include.ozon.translation import N_
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
    title=N_("the Seller API does not answer"),
    measures=N_("The Seller API answers."),
    unit=Unit.SECONDS,
    limits=State(level="critical"),
    next_step=N_("Wait: loads retry. After an hour, check this machine's network and proxy, and whether Ozon is down."),
    meaning="Ozon's API does not answer the health check; loads fail and retry.",
    remedy="Wait: loads retry. After an hour, check the proxy, DNS and firewall of this machine, and whether Ozon "
    "itself is down.",
    group="api_availability",
)

API_KEY = Rule(
    name="api_key",
    title=N_("Ozon refuses access"),
    measures=N_("Ozon accepts the account's key."),
    limits=State(level="critical"),
    next_step=N_("Follow the message; a new key goes into the connection ozon_api_<account> (docs/runbook.md)."),
    meaning="Ozon does not accept the Client-Id or key, or has blocked the account.",
    remedy="Follow the message. If somebody deleted the key in Ozon Seller, make "
    "[a new one](#changing-an-api-key-without-a-gap).",
    group="api_access",
)

API_KEY_EXPIRES_DAYS = Rule(
    name="api_key_expires_days",
    title=N_("the API key expires soon"),
    measures=N_("Days until the account's key expires."),
    unit=Unit.DAYS,
    limits=Below(warning=14, critical=3),
    next_step=N_("Make a new key in Ozon Seller and put it into the connection ozon_api_<account> (docs/runbook.md)."),
    meaning="The key still works, but expires in a few days; then loads fail.",
    remedy="Make [a new key](#changing-an-api-key-without-a-gap) in office hours.",
    group="api_access",
)

API_METHODS = Rule(
    name="api_methods",
    title=N_("the API key lacks a role"),
    measures=N_("The key may call every method that the load needs."),
    limits=State(level="critical"),
    next_step=N_("Make a key with the missing roles in Ozon Seller (Settings, API keys)."),
    meaning="The key's roles do not allow every method that the load needs.",
    remedy='Make [a new key](#changing-an-api-key-without-a-gap) with the role "Admin read only".',
    group="api_access",
)

API_ERROR_RATE_PCT = Rule(
    name="api_error_rate_pct",
    title=N_("the Seller API often fails"),
    measures=N_("Share of requests in 24 hours that had to be repeated; `min_count` counts requests."),
    unit=Unit.SHARE,
    limits=AboveShare(warning=5, critical=25, min_count=20),
    next_step=N_("Wait until the next load. If the share stays high, check this machine's network and proxy."),
    meaning="Many requests had to be repeated. Loads take longer, but may still succeed.",
    remedy="Wait until the next load. If the share stays high, check the network and proxy between this machine and "
    "Ozon.",
    group="api_availability",
)

API_RATE_LIMITED_PCT = Rule(
    name="api_rate_limited_pct",
    title=N_("Ozon limits the request rate"),
    measures=N_("Share of requests in 24 hours that Ozon answered with HTTP 429; `min_count` counts requests."),
    unit=Unit.SHARE,
    limits=AboveShare(warning=5, critical=25, min_count=20),
    next_step=N_("Find other programs that use this Client-Id, or lower api.requests_per_second."),
    meaning="Ozon refuses many requests with HTTP 429 (too many requests).",
    remedy="Find other programs that use this Client-Id; if there are none, lower `api.requests_per_second`.",
    group="api_availability",
)


# Not API_KEY_EXPIRES_DAYS: a key that still works breaks nothing, however soon it expires.
API_DOWN = (API_REACHABLE, API_KEY, API_METHODS, API_ERROR_RATE_PCT, API_RATE_LIMITED_PCT)


def needed_methods(settings: Settings) -> tuple[str, ...]:
    """Return the methods that a load with these settings calls."""
    return tuple(dict.fromkeys(path for component in COMPONENTS for path in component.methods(settings)))


class _NoConnectionError(FatalError):
    """The account has no connection, so no request was sent."""


class _Key:
    """One account's key, with the answer of ``/v1/roles``, requested once, by the first check.

    Only one check reports each problem: ``api_reachable`` an API that does not answer, ``api_key`` a key that Ozon
    refuses. Checks that cannot measure anything for that reason are UNKNOWN.
    """

    def __init__(self, context: HealthContext, account: str) -> None:
        self._context = context
        self._account = account
        self._settings = context.settings
        self._answer: Roles | Exception | None = None
        self._seconds = 0.0

    def reachable(self) -> Judgement:
        """Check that the API answers; the value is the time of the answer in seconds."""
        from include.ozon.marketplace.answers import Roles

        account = self._account
        match answer := self._ask():
            case _NoConnectionError():
                return unknown(f"Account {account} has no connection, so no request was sent; see api_key")
            case AccessDeniedError() | RateLimitedError() | Roles():
                text = f"The Seller API answered for account {account} in {self._seconds:.2f} seconds"
                return judge_state(self._settings, API_REACHABLE, True, text, round(self._seconds, 4))
            case OzonError():
                text = f"The Seller API cannot be used for account {account}: {_without_stop(answer)}"
                return judge_state(self._settings, API_REACHABLE, False, text)
        raise answer

    def accepted(self) -> Judgement:
        from include.ozon.marketplace.answers import Roles
        from include.ozon.marketplace.faults import RoleMissingError

        account = self._account
        match answer := self._ask():
            case Roles() | RoleMissingError():
                return judge_state(self._settings, API_KEY, True, f"Ozon accepts the key of account {account}")
            case AccessDeniedError():
                text = f"Ozon refuses access to account {account}: {_without_stop(answer)}"
                return judge_state(self._settings, API_KEY, False, text)
            case _NoConnectionError():
                text = f"Account {account} has no key: {_without_stop(answer)}"
                return judge_state(self._settings, API_KEY, False, text)
        return self._no_answer(answer)

    def expires(self) -> Judgement:
        """Check the time left; the value is negative if Ozon still accepts an expired key."""
        from include.ozon.marketplace.answers import Roles, set_moment

        account = self._account
        answer = self._ask()
        if not isinstance(answer, Roles):
            return self._no_answer(answer)
        expiry = set_moment(answer.expires_at)
        if expiry is None:
            return Judgement(Status.OK, f"Ozon reports no expiry date for the key of account {account}.")
        expires_at = datetime.fromisoformat(expiry)
        days = (expires_at - self._context.now).total_seconds() / 86_400
        local = moment(expires_at, self._context.settings)
        text = f"The key of account {account} expires in {days:.1f} days, at {local}"
        if days < 0:
            text = f"The key of account {account} expired at {local}"
        return judge(self._settings, API_KEY_EXPIRES_DAYS, round(days, 3), text)

    def methods(self) -> Judgement:
        """Check the key's methods; the value is the number of missing ones."""
        from include.ozon.marketplace.answers import Roles
        from include.ozon.marketplace.faults import RoleMissingError

        account = self._account
        answer = self._ask()
        if isinstance(answer, RoleMissingError):
            text = f"The key of account {account} lacks a role: {_without_stop(answer)}"
            return judge_state(self._settings, API_METHODS, False, text)
        if not isinstance(answer, Roles):
            return self._no_answer(answer)
        needed = needed_methods(self._context.settings)
        allowed = {path: answer.allow(path) for path in needed}
        if None in allowed.values():
            return unknown(
                f"Ozon does not report which methods the key of account {account} may call; the next load will show it"
            )
        missing = [path for path in needed if not allowed[path]]
        text = f"The key of account {account} may call all {len(needed)} methods that the load needs"
        if missing:
            text = (
                f"The key of account {account} may not call {', '.join(missing)}, which the load needs; make a key "
                "with a role for them in Ozon Seller (Settings, API keys)"
            )
        return judge_state(self._settings, API_METHODS, not missing, text, float(len(missing)))

    def _ask(self) -> Roles | Exception:
        """Return the answer, or the error."""
        if self._answer is None:
            started = time.monotonic()
            try:
                self._answer = self._roles()
            except Exception as error:  # each check decides on its own what an error means
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

    def _no_answer(self, answer: Exception) -> Judgement:
        """Return UNKNOWN for an error that another check reports; raise any other error."""
        match answer:
            case AccessDeniedError() | _NoConnectionError():
                return unknown(f"Ozon answers nothing about account {self._account} without a valid key; see api_key")
            case RateLimitedError():
                return unknown(
                    f"Ozon refused the request for account {self._account} as one too many; the next check asks again"
                )
        raise answer


class _Usage:
    """The API's answers to one account's loads in the last 24 hours."""

    def __init__(self, context: HealthContext, account: str) -> None:
        self._context = context
        self._account = account

    def error_rate(self) -> Judgement:
        requests, retries, _ = self._counts()
        return self._judge(API_ERROR_RATE_PCT, requests, retries, "had to be repeated")

    def rate_limited(self) -> Judgement:
        requests, _, rate_limited = self._counts()
        return self._judge(API_RATE_LIMITED_PCT, requests, rate_limited, "were refused with HTTP 429")

    def _judge(self, rule: Rule[AboveShare], requests: int, affected: int, what: str) -> Judgement:
        if not requests:
            return unknown(f"Account {self._account} has sent no requests in the last 24 hours")
        pct = round(100 * affected / requests, 3)
        text = f"{affected} of {requests} requests of account {self._account} in the last 24 hours {what} ({pct:.1f} %)"
        return judge(self._context.settings, rule, pct, text, count=requests)

    def _counts(self) -> tuple[int, int, int]:
        now = self._context.now
        found = self._context.row(USAGE, account=self._account, since=now - _USAGE_AGE, now=now)
        requests, retries, rate_limited = found or (0, 0, 0)
        return requests, retries, rate_limited


def _without_stop(error: Exception) -> str:
    return str(error).rstrip(".")


_KEY_MEASURES: Measures[_Key] = (
    (API_REACHABLE, _Key.reachable),
    (API_KEY, _Key.accepted),
    (API_KEY_EXPIRES_DAYS, _Key.expires),
    (API_METHODS, _Key.methods),
)
_USAGE_MEASURES: Measures[_Usage] = (
    (API_ERROR_RATE_PCT, _Usage.error_rate),
    (API_RATE_LIMITED_PCT, _Usage.rate_limited),
)


def checks(context: HealthContext) -> Iterator[Check]:
    for account in context.accounts:
        yield from checks_of(_KEY_MEASURES, _Key(context, account), account)
        yield from checks_of(_USAGE_MEASURES, _Usage(context, account), account)


AREA = Area("api", rules_of(_KEY_MEASURES, _USAGE_MEASURES), checks)
