"""Sandboxes that keep running between tests and are reset for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from include.ozon_sandbox.process import SandboxProcess
from tests.support import scratch

# Starting a sandbox takes half a second of CPU; a running one takes 70 MB.
_MOST_IDLE = 4


class Sandboxes:
    """A worker's idle sandboxes with their configurations, the longest idle first."""

    def __init__(self) -> None:
        self._idle: list[tuple[str, SandboxProcess]] = []

    @contextmanager
    def borrow(self, accounts: Mapping[str, Any], **options: Any) -> Iterator[SandboxProcess]:
        """Yield a sandbox at tick 0 with the faults of its configuration and no requests yet."""
        configuration = json.dumps([accounts, options])
        sandbox = self._take(configuration) or SandboxProcess(scratch.new_folder("sandbox"), accounts, **options)
        try:
            if sandbox.is_running:
                sandbox.reset(tick=0)
            else:
                sandbox.start()
            yield sandbox
        finally:
            self._give_back(configuration, sandbox)

    def stop(self) -> None:
        for _, sandbox in self._idle:
            sandbox.stop()

    def _take(self, configuration: str) -> SandboxProcess | None:
        for place, (found, sandbox) in enumerate(self._idle):
            if found == configuration:
                del self._idle[place]
                return sandbox
        return None

    def _give_back(self, configuration: str, sandbox: SandboxProcess) -> None:
        if not sandbox.is_running:
            return
        self._idle.append((configuration, sandbox))
        if len(self._idle) > _MOST_IDLE:
            self._idle.pop(0)[1].stop()
