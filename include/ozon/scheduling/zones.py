"""The machine's time zone, which its cron uses, and its differences from the configured one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from include.ozon.errors import ConfigurationError

# Two years, to include all clock changes; rules that change each year, like Morocco's, are covered too.
_DAYS = 2 * 366
# Changes of the clock fall on whole or half hours of UTC.
_STEP = timedelta(minutes=30)


@dataclass(frozen=True)
class MachineZone:
    name: str
    zone: ZoneInfo
    source: str
    """The place where it was found, in words."""
    note: str = ""
    """A warning if it may be wrong."""


@dataclass(frozen=True)
class ZoneDifferences:
    minutes: frozenset[int]
    """All differences in two years: machine's clock minus configured clock."""
    changes: tuple[tuple[int, int], ...]
    """The periods that the machine's clock skips or repeats: from and until, in minutes since midnight."""


def machine_zone(environ: Mapping[str, str], etc: Path = Path("/etc")) -> MachineZone:
    """Return the machine's zone: ``TZ``, as for every program, else ``/etc/localtime``, else UTC.

    Raises ConfigurationError if the zone's name cannot be found.
    """
    of_machine = _of_localtime(etc)
    if (given := environ.get("TZ")) is None:
        if of_machine is None:
            raise ConfigurationError(
                f"The time zone in {etc / 'localtime'} has an unknown name. Make it a link to a file below "
                "/usr/share/zoneinfo, or set TZ to the zone that cron uses, for example TZ=Europe/Moscow."
            )
        return of_machine
    found = _of_variable(given)
    if of_machine and of_machine.name == found.name:
        return found
    localtime = of_machine.name if of_machine else "a zone without a name"
    note = f"TZ is {found.name}, but {etc / 'localtime'} is {localtime}: make sure that cron was started with this TZ"
    return MachineZone(found.name, found.zone, found.source, note)


@lru_cache(maxsize=16)
def zone_differences(configured: ZoneInfo, machine: ZoneInfo, year: int) -> ZoneDifferences:
    """Return the differences in that year and the next."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    moments = [first + step * _STEP for step in range(_DAYS * 48)]
    offsets = [_offset_minutes(machine, moment) for moment in moments]
    differences = {
        offset - _offset_minutes(configured, moment) for moment, offset in zip(moments, offsets, strict=True)
    }
    changes = {
        ((minute + min(before, after)) % 1440, (minute + max(before, after)) % 1440 or 1440)
        for (before, after), moment in zip(pairwise(offsets), moments[1:], strict=True)
        if before != after
        for minute in [moment.hour * 60 + moment.minute]
    }
    return ZoneDifferences(frozenset(differences), tuple(sorted(changes)))


def _offset_minutes(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds() // 60)


def _of_variable(value: str) -> MachineZone:
    name = _zone_name(value.removeprefix(":")) or "UTC"
    try:
        return MachineZone(name, ZoneInfo(name), "TZ")
    except (ValueError, OSError, KeyError):
        raise ConfigurationError(
            f"TZ: expected the name of a time zone, found {value!r}. Set it, for example TZ=Europe/Moscow, or unset it."
        ) from None


def _of_localtime(etc: Path) -> MachineZone | None:
    file = etc / "localtime"
    if not file.exists():
        return MachineZone("UTC", ZoneInfo("UTC"), f"there is no {file}")
    candidates = [_zone_name(str(file.resolve()))]
    # If it is a copy instead of a link, the name is in another file, which may be outdated.
    named = etc / "timezone"
    if named.is_file():
        name = named.read_text(encoding="utf-8", errors="replace").strip()
        if any(_is_same_file(Path(folder, name), file) for folder in TZPATH if name):
            candidates.append(name)
    for name in candidates:
        try:
            return MachineZone(name, ZoneInfo(name), str(file))
        except (ValueError, OSError, KeyError):
            continue
    return None


def _zone_name(path: str) -> str:
    """Return the zone's name from a path below a folder of zones; anything else unchanged."""
    for folder in (*TZPATH, "/usr/share/zoneinfo"):
        if path.startswith(f"{folder}/"):
            path = path.removeprefix(f"{folder}/")
    return path.removeprefix("posix/").removeprefix("right/")


def _is_same_file(zone: Path, file: Path) -> bool:
    return zone.is_file() and zone.read_bytes() == file.read_bytes()
