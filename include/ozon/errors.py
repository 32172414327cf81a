"""Errors, named by what can be done about them.

Whoever catches one needs no list of causes: the class says whether to stop, to try again, to wait, or to
step aside, and the message says what was expected, what was found and what to do next. No message ever
holds a key, a password or a connection's address with either.
"""

from __future__ import annotations


class OzonError(Exception):
    """Base of all errors this package raises on purpose."""


class FatalError(OzonError):
    """A person has to act first; trying again as things are would fail again."""


class ConfigurationError(FatalError):
    """The configuration file, an ``OZON__`` variable or a run's parameter is wrong."""


class ConnectionSettingsError(FatalError):
    """An Airflow connection is missing or lacks a field."""


class AccessDeniedError(FatalError):
    """Ozon or PostgreSQL knows who asks and refuses: wrong key, missing role, read-only database."""


class NotFoundError(FatalError):
    """Ozon accepts the key and knows the method, and does not know what was asked for, such as a warehouse."""


class ObsoleteMethodError(FatalError):
    """Ozon has removed a method; this package has to be upgraded."""


class SchemaError(FatalError):
    """The warehouse's schema is not the one this version was written for."""


class GuardStoppedError(FatalError):
    """A guard saw a change too large to believe; the last good state was kept.

    ``guards`` are the names that ``accept_guard`` would have to hold to let the load through.
    """

    def __init__(self, message: str, guards: tuple[str, ...]) -> None:
        super().__init__(message)
        self.guards = guards


class DependencyError(FatalError):
    """The component that has to come first in this workflow did not succeed."""


class RetriableError(OzonError):
    """May well succeed a little later without anybody's help."""


class MarketplaceUnavailableError(RetriableError):
    """The Seller API did not answer, or answered with a fault of its own."""


class RateLimitedError(RetriableError):
    """The Seller API asks to wait; ``retry_after_seconds`` says how long."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BadDataError(RetriableError):
    """An answer as a whole cannot be understood or trusted, such as a list that loops.

    Single items that cannot be understood do not raise: they go to ``rejected_items``.
    """


class WarehouseUnavailableError(RetriableError):
    """PostgreSQL cannot be reached, or dropped the connection, or a lock was not granted in time."""


class AlreadyRunningError(OzonError):
    """Another run holds the account's lock; this one steps aside."""


class CancelledError(KeyboardInterrupt):
    """The run was told to stop (SIGTERM or SIGINT).

    A ``KeyboardInterrupt``, because that is the one exception on which psycopg cancels the statement under way.
    """
