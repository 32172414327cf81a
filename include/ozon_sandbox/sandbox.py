"""The running sandbox: its accounts, tick and counters.

It is used from one event loop only; threads that render answers get an immutable catalogue.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from include.ozon_sandbox.catalogue import Catalogue
from include.ozon_sandbox.config import Config
from include.ozon_sandbox.effects import Effect
from include.ozon_sandbox.errors import SandboxConfigurationError
from include.ozon_sandbox.faults.registry import FaultError, Faults
from include.ozon_sandbox.limits import Limits
from include.ozon_sandbox.products import Origin
from include.ozon_sandbox.reports import Reports


class Sandbox:
    """The state of the sandbox.

    Raises SandboxConfigurationError if the state file or a configured fault cannot be used.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._state = Path(config.state)
        self._first = _read_state(self._state)
        self.tick, self._ahead = self._first
        self._initialize()

    def _initialize(self) -> None:
        """Create new objects, so that running requests, which use the old ones, do not change the new state."""
        self.limits = Limits(self.config)
        self.reports = Reports()
        self.faults = Faults(tuple(self.config.accounts), self.config.seed)
        self.requests: Counter[tuple[str, str]] = Counter()
        self.answers: Counter[int] = Counter()
        try:
            for description in self.config.faults:
                self.faults.add(description)
        except FaultError as error:
            raise SandboxConfigurationError(f"A configured fault cannot be used: {error}.") from error

    def catalogue(self, account: str, effects: tuple[Effect, ...]) -> Catalogue:
        options = self.config.accounts[account]
        origin = Origin(
            self.config.seed, account, options.size, options.ticks_per_situation, options.currency, options.tick_0_at
        )
        return Catalogue(origin, self.tick_of(account), effects)

    def tick_of(self, account: str) -> int:
        """Return the account's tick: the common one, and what the account is ahead of it."""
        return self.tick + self._ahead.get(account, 0)

    def true_catalogue(self, account: str) -> Catalogue:
        """Return the true catalogue, without the faults of single requests."""
        return self.catalogue(account, self.faults.truth_effects(account, self.tick_of(account)))

    def advance(self, ticks: int, account: str | None = None) -> None:
        """Advance all catalogues, or one account's."""
        if account is None:
            self._set(self.tick + ticks, self._ahead)
        else:
            self._set(self.tick, self._ahead | {account: self._ahead.get(account, 0) + ticks})

    def reset(self, tick: int | None) -> None:
        """Restore the state at the process's start, with another ``tick`` if it is given."""
        first_tick, ahead = self._first
        self._set(first_tick if tick is None else tick, ahead)
        self._initialize()

    def _set(self, tick: int, ahead: dict[str, int]) -> None:
        """Save the new ticks before any answer shows them."""
        _write_state(self._state, tick, ahead)
        self.tick, self._ahead = tick, ahead

    def reset_counters(self) -> None:
        self.requests, self.answers = Counter(), Counter()
        self.limits.reset_busiest_seconds()

    def state(self) -> dict[str, Any]:
        """Return the answer of ``GET /admin/state``, without keys."""
        accounts = {
            name: {
                "client_id": account.client_id,
                "size": account.size,
                "tick": self.tick_of(name),
                "products": self.true_catalogue(name).count("ALL"),
                "requests": {path: n for (owner, path), n in self.requests.items() if owner == name},
            }
            for name, account in self.config.accounts.items()
        }
        return {
            "tick": self.tick,
            "seed": self.config.seed,
            "accounts": accounts,
            "answers": dict(self.answers),
            "max_requests_in_one_second": self.limits.busiest_seconds(),
        }


def _read_state(path: Path) -> tuple[int, dict[str, int]]:
    """Return the common tick, and the ticks that single accounts are ahead of it."""
    try:
        state = json.loads(path.read_bytes())
        tick, ahead = state["tick"], dict(state.get("ahead", {}))
    except FileNotFoundError:
        return 0, {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SandboxConfigurationError(f"The state file {path} cannot be read: {error!r}.") from error
    for found in (tick, *ahead.values()):
        if not isinstance(found, int) or found < 0:
            raise SandboxConfigurationError(f"The state file {path}: expected a tick, found {found!r}.")
    return tick, ahead


def _write_state(path: Path, tick: int, ahead: dict[str, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"tick": tick, **({"ahead": ahead} if ahead else {})}))
    draft.replace(path)
