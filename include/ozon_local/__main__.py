"""The commands of the Makefile's targets: ``python -m include.ozon_local <command>``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from include.ozon.errors import FatalError
from include.ozon_local import processes, stack
from include.ozon_local.audit import audit
from include.ozon_local.demo.command import demo
from include.ozon_local.environment import export_lines, local_environment, proxy_exceptions
from include.ozon_local.home import LocalHome
from include.ozon_local.lock import lock
from include.ozon_local.run import run
from include.ozon_local.services import Services


def _services(home: LocalHome) -> int:
    services = Services(home)
    with services.ended_if_interrupted():
        services.start()
    return 0


def _stop(home: LocalHome) -> int:
    Services(home).stop()
    print("All processes of this project have ended.")
    return 0


def _env(home: LocalHome) -> int:
    print(export_lines(local_environment(home)))
    return 0


def _run(home: LocalHome) -> int:
    return run(home, conf=os.environ.get("ARGS") or "{}")


def _lock(home: LocalHome) -> int:
    return lock(os.environ.get("ARGS", "").split())


def _audit(home: LocalHome) -> int:
    return audit(os.environ.get("ARGS", "").split())


COMMANDS: dict[str, Callable[[LocalHome], int]] = {
    "services": _services,
    "stop": _stop,
    "env": _env,
    "run": _run,
    "demo": demo,
    "up": stack.up,
    "supervise": stack.supervise,
    "lock": _lock,
    "audit": _audit,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m include.ozon_local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    os.environ.update(proxy_exceptions(os.environ))
    processes.raise_on_signals()
    try:
        return command(LocalHome.from_environment())
    except FatalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except processes.Interrupted as interrupted:
        print(f"\nInterrupted ({interrupted}).", file=sys.stderr)
        return interrupted.exit_code


if __name__ == "__main__":
    sys.exit(main())
