"""Errors, classified by what can be done about them.

Code that catches one needs no list of causes: the class decides whether to stop, retry, wait or skip. The message says
what was expected, what was found and what to do next. It never contains a key, a password or an address with either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches


class OzonError(Exception):
    """Base class of all errors that this package raises."""


class FatalError(OzonError):
    """A person has to act first; a retry would fail again."""


class ConfigurationError(FatalError):
    """The configuration file, an ``OZON__`` variable or a run's parameter is wrong."""


class ConnectionSettingsError(FatalError):
    """An Airflow connection is missing or lacks a field."""


class AccessDeniedError(FatalError):
    """Ozon or PostgreSQL refuses access: wrong key, missing role, read-only database."""


class NotFoundError(FatalError):
    """Ozon accepts the key and the method but does not know the requested object, for example a warehouse."""


class ObsoleteMethodError(FatalError):
    """Ozon has removed a method; this package has to be upgraded."""


class SchemaError(FatalError):
    """The warehouse's schema is not the one this version was written for."""


class GuardStoppedError(FatalError):
    """A guard stopped a load that would change too much; the last good state was kept.

    ``guards`` are the names that ``accept_guard`` needs for the load to pass.
    """

    def __init__(self, message: str, guards: tuple[str, ...]) -> None:
        super().__init__(message)
        self.guards = guards


class DependencyError(FatalError):
    """A component that has to run first in this workflow did not succeed."""


class RetriableError(OzonError):
    """A retry may succeed without anybody's help."""


class MarketplaceUnavailableError(RetriableError):
    """The Seller API did not answer, or reported an internal fault."""


class RateLimitedError(RetriableError):
    """The Seller API received too many requests; wait for ``retry_after_seconds``."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BadDataError(RetriableError):
    """A whole answer cannot be decoded or trusted, for example a list that loops.

    Single items that cannot be decoded do not raise: they go to ``rejected_items``.
    """


class WarehouseUnavailableError(RetriableError):
    """PostgreSQL cannot be reached, dropped the connection, or did not grant a lock in time."""


class AlreadyRunningError(OzonError):
    """Another run holds the account's lock; this one is skipped."""


class CancelledError(KeyboardInterrupt):
    """The run was cancelled (SIGTERM or SIGINT).

    It is a ``KeyboardInterrupt``, because psycopg cancels the running statement only for that exception.
    """


def safe_text(error: BaseException) -> str:
    """Return an error's text; only the class of a foreign one, which may quote an address, a token or a password."""
    return str(error) if isinstance(error, OzonError) else type(error).__name__


def require_known(what: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise ConfigurationError if a name is unknown; the message lists the known ones and the nearest one."""
    unknown = [name for name in names if name not in known]
    if unknown:
        near = get_close_matches(unknown[0], known, n=1, cutoff=0.5)
        raise ConfigurationError(
            f"{what}: expected one of {', '.join(known) or 'none'}; found {', '.join(map(repr, unknown))}"
            + (f"; did you mean {near[0]!r}?" if near else ".")
        )
