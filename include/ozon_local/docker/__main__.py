"""The commands of the Makefile's docker targets: ``python -m include.ozon_local.docker env|up|down``."""

from __future__ import annotations

import argparse
import sys

from include.ozon.errors import FatalError
from include.ozon_local.docker import stack
from include.ozon_local.docker.env_file import PROFILES, env_file

INTERRUPTED = 130


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m include.ozon_local.docker", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("env", "up"):
        command = commands.add_parser(name)
        command.add_argument("--profile", choices=PROFILES, help="the executor of the tasks; stored in .env")
    commands.choices["up"].add_argument(
        "--workers", type=_positive, help="the number of workers, with the profile celery"
    )
    commands.add_parser("down").add_argument("--volumes", action="store_true", help="delete all data as well")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "env":
                stack.make_env(env_file(), arguments.profile)
            case "up":
                stack.up(env_file(), arguments.profile, arguments.workers)
            case _:
                stack.down(env_file(), ["--volumes"] if arguments.volumes else [])
    except FatalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; `make docker-down` ends the started containers.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
