"""The kinds of faults by name, and the active ones.

A fault is switched on with a JSON object: its ``name``, its parameters in ``params``, and optional selectors of
requests: ``method`` (a path), ``account`` (a name), ``probability``, ``after`` (the number of matching requests to let
through first), ``times`` (the number of requests to hit after that) and ``seconds`` (the time to stop after the first
hit). ``from_tick`` and ``to_tick`` limit it to ticks of the account: from the first one on, and before the last one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from include.ozon_sandbox.effects import Effect
from include.ozon_sandbox.faults.base import Fault
from include.ozon_sandbox.faults.catalogue import KINDS as CATALOGUE_FAULTS
from include.ozon_sandbox.faults.gates import KINDS as GATE_FAULTS
from include.ozon_sandbox.faults.pages import KINDS as PAGE_FAULTS
from include.ozon_sandbox.faults.values import KINDS as VALUE_FAULTS
from include.ozon_sandbox.faults.wire import KINDS as WIRE_FAULTS
from include.ozon_sandbox.methods import METHODS

KINDS: dict[str, type[Fault]] = {
    **GATE_FAULTS,
    **CATALOGUE_FAULTS,
    **PAGE_FAULTS,
    **VALUE_FAULTS,
    **WIRE_FAULTS,
}


class FaultError(ValueError):
    """The description of a fault is not valid."""


class Rule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The description of a fault, with the selectors of requests."""

    name: str
    method: str | None = None
    account: str | None = None
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    after: Annotated[int, Meta(ge=0)] = 0
    times: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None
    from_tick: Annotated[int, Meta(ge=0)] = 0
    to_tick: Annotated[int, Meta(ge=1)] | None = None
    params: dict[str, Any] = {}

    def concerns(self, account: str, tick: int) -> bool:
        """Return whether the account at this tick is selected."""
        is_over = self.to_tick is not None and tick >= self.to_tick
        return self.account in {None, account} and tick >= self.from_tick and not is_over

    @property
    def has_no_selectors(self) -> bool:
        """Return whether neither requests nor a time are selected; accounts and ticks may be."""
        return (
            self.method is None
            and self.probability == 1
            and self.after == 0
            and self.times is None
            and self.seconds is None
        )


@dataclass
class ActiveFault:
    fault_id: int
    rule: Rule
    fault: Fault
    chance: random.Random
    seen_count: int = 0
    fired_count: int = 0
    first_fired_at: float | None = None

    def fires(self, account: str, tick: int, path: str) -> bool:
        """Return whether it hits this request, and count the request if the selectors match."""
        rule = self.rule
        if not rule.concerns(account, tick) or rule.method not in {None, path}:
            return False
        self.seen_count += 1
        if self.seen_count <= rule.after or (rule.times is not None and self.fired_count >= rule.times):
            return False
        now = time.monotonic()
        if rule.seconds is not None and self.first_fired_at is not None and now - self.first_fired_at >= rule.seconds:
            return False
        if rule.probability < 1 and self.chance.random() >= rule.probability:
            return False
        self.fired_count += 1
        self.first_fired_at = now if self.first_fired_at is None else self.first_fired_at
        return True

    def description(self) -> dict[str, Any]:
        return {
            "id": self.fault_id,
            **msgspec.to_builtins(self.rule),
            "seen_count": self.seen_count,
            "fired_count": self.fired_count,
        }


@dataclass
class Faults:
    """The active faults, in the order in which they were switched on."""

    accounts: Iterable[str]
    seed: int
    _active: list[ActiveFault] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1))

    def add(self, description: Mapping[str, Any]) -> ActiveFault:
        """Switch a fault on. Raises FaultError with a sentence for an unknown name, selector or parameter."""
        rule, fault = self._parsed(description)
        fault_id = next(self._ids)
        active = ActiveFault(fault_id, rule, fault, random.Random(f"{self.seed}/{fault_id}"))
        self._active.append(active)
        return active

    def _parsed(self, description: Mapping[str, Any]) -> tuple[Rule, Fault]:
        try:
            rule = msgspec.convert(description, Rule)
            kind = KINDS.get(rule.name)
            if kind is None:
                raise FaultError(f"unknown fault {rule.name!r}; expected one of {', '.join(sorted(KINDS))}")
            fault = msgspec.convert(rule.params, kind)
        except msgspec.ValidationError as error:
            raise FaultError(f"fault {description.get('name')!r}: {error}") from error
        if rule.account is not None and rule.account not in self.accounts:
            raise FaultError(f"unknown account {rule.account!r}; expected one of {', '.join(self.accounts)}")
        if rule.method is not None and rule.method not in METHODS:
            raise FaultError(f"unknown method {rule.method!r}")
        if fault.changes_catalogue and not rule.has_no_selectors:
            raise FaultError(
                f"{rule.name!r} changes the catalogue itself and can only be limited to an account and to ticks"
            )
        return rule, fault

    def clear(self) -> None:
        self._active.clear()

    def descriptions(self) -> list[dict[str, Any]]:
        return [active.description() for active in self._active]

    def firing(self, account: str, path: str, tick: int = 0) -> list[Fault]:
        """Return the faults that hit this request."""
        return [active.fault for active in self._active if active.fires(account, tick, path)]

    def truth_effects(self, account: str, tick: int) -> tuple[Effect, ...]:
        """Return the effects of the active faults on an account's catalogue."""
        concerned = [active.fault for active in self._active if active.rule.concerns(account, tick)]
        return effects_of(fault for fault in concerned if fault.changes_catalogue)


def effects_of(faults: Iterable[Fault]) -> tuple[Effect, ...]:
    return tuple(effect for fault in faults if (effect := fault.effect()) is not None)
