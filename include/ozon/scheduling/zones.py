"""The machine's own time zone, which its cron goes by, and how it differs from the configured one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from include.ozon.errors import ConfigurationError

# Both years' changes of the clock; rules that change with the year, such as Morocco's, repeat in them.
_DAYS = 2 * 366
# Changes of the clock fall on whole or half hours of UTC.
_STEP = timedelta(minutes=30)


@dataclass(frozen=True)
class MachineZone:
    name: str
    zone: ZoneInfo
    source: str
    """Where it was found, in words."""
    note: str = ""
    """What to know about it, where it is not beyond doubt."""


@dataclass(frozen=True)
class ZoneDifferences:
    minutes: frozenset[int]
    """All differences in the coming two years: machine's clock minus configured clock."""
    changes: tuple[tuple[int, int], ...]
    """What the machine's clock skips or shows twice: from and until, in minutes since midnight of its day."""


def machine_zone(environ: Mapping[str, str], etc: Path = Path("/etc")) -> MachineZone:
    """``TZ`` comes first, as for every program; then ``/etc/localtime``; without both it is UTC.

    Raises ConfigurationError where it cannot be told by name.
    """
    of_machine = _of_localtime(etc)
    if (given := environ.get("TZ")) is None:
        if of_machine is None:
            raise ConfigurationError(
                f"Which time zone {etc / 'localtime'} holds cannot be told. Make it a link to a file below "
                "/usr/share/zoneinfo, or set TZ to the zone that cron goes by, such as TZ=Europe/Moscow."
            )
        return of_machine
    found = _of_variable(given)
    if of_machine and of_machine.name == found.name:
        return found
    localtime = of_machine.name if of_machine else "a zone without a name"
    note = f"TZ says {found.name}, {etc / 'localtime'} says {localtime}: make sure that cron was started with this TZ"
    return MachineZone(found.name, found.zone, found.source, note)


@lru_cache(maxsize=16)
def zone_differences(configured: ZoneInfo, machine: ZoneInfo, year: int) -> ZoneDifferences:
    """In that year and the next."""
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
            f"TZ is {value!r}, which is no name of a time zone. Set it to one, such as TZ=Europe/Moscow, or unset it."
        ) from None


def _of_localtime(etc: Path) -> MachineZone | None:
    file = etc / "localtime"
    if not file.exists():
        return MachineZone("UTC", ZoneInfo("UTC"), f"there is no {file}")
    candidates = [_zone_name(str(file.resolve()))]
    # A copy instead of a link: the name stands beside it, if it is still right.
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
    """The zone's name of a path below a folder of zones; anything else as it is."""
    for folder in (*TZPATH, "/usr/share/zoneinfo"):
        if path.startswith(f"{folder}/"):
            path = path.removeprefix(f"{folder}/")
    return path.removeprefix("posix/").removeprefix("right/")


def _is_same_file(zone: Path, file: Path) -> bool:
    return zone.is_file() and zone.read_bytes() == file.read_bytes()
