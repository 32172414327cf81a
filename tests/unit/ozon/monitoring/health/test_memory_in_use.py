"""Memory of the machine and of control groups, as the kernel's files show them."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from include.ozon.monitoring.health.memory import fullest_memory

GB = 10**9
MACHINE = "this machine's memory"
CONTAINER = "this container's memory"
V2, V1 = "sys/fs/cgroup", "sys/fs/cgroup/memory"

Machine = namedtuple("Machine", "total available")


@pytest.fixture(autouse=True)
def machine_of_100_gb_half_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Machine(100 * GB, 50 * GB))


def write(root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")


def v2(root: Path, group: str, limit: object, used: int, inactive: int = 0) -> None:
    folder = f"{V2}/{group}"
    stat = f"anon 1\ninactive_file {inactive}\nactive_file 5"
    write(root, {f"{folder}/memory.max": limit, f"{folder}/memory.current": used, f"{folder}/memory.stat": stat})


def seen(root: Path) -> tuple[float, str]:
    memory = fullest_memory(root)
    return memory.used_pct, memory.whose


def test_without_control_groups_it_is_the_machines(tmp_path: Path) -> None:
    assert seen(tmp_path) == (50, MACHINE)


def test_a_container_with_less_memory_than_the_machine_is_measured(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/cgroup": "0::/"})
    v2(tmp_path, "", limit=4 * GB, used=3 * GB)
    assert seen(tmp_path) == (75, CONTAINER)


def test_cached_files_make_room_when_it_is_needed(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/cgroup": "0::/"})
    v2(tmp_path, "", limit=4 * GB, used=4 * GB, inactive=1 * GB)
    assert seen(tmp_path) == (75, CONTAINER)


def test_the_fullest_of_the_groups_around_the_process_counts(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/cgroup": "0::/airflow.slice/worker.service"})
    v2(tmp_path, "airflow.slice/worker.service", limit="max", used=1 * GB)
    v2(tmp_path, "airflow.slice", limit=10 * GB, used=9 * GB)
    assert seen(tmp_path) == (90, CONTAINER)


@pytest.mark.parametrize("limit", ["max", 200 * GB])
def test_a_group_that_is_not_limited_is_the_machine(tmp_path: Path, limit: object) -> None:
    write(tmp_path, {"proc/self/cgroup": "0::/"})
    v2(tmp_path, "", limit=limit, used=99 * GB)
    assert seen(tmp_path) == (50, MACHINE)


def test_a_machine_fuller_than_the_container_is_measured(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/cgroup": "0::/"})
    v2(tmp_path, "", limit=4 * GB, used=1 * GB)
    assert seen(tmp_path) == (50, MACHINE)


def test_the_first_version_of_control_groups_is_known_too(tmp_path: Path) -> None:
    """The path is the machine's; inside the container the group is at the root."""
    write(
        tmp_path,
        {
            "proc/self/cgroup": "5:devices:/docker/abc\n4:cpu,memory:/docker/abc\n0::/",
            f"{V1}/memory.limit_in_bytes": 2 * GB,
            f"{V1}/memory.usage_in_bytes": 2 * GB,
            f"{V1}/memory.stat": f"cache 7\ntotal_inactive_file {GB // 2}",
        },
    )
    assert seen(tmp_path) == (75, CONTAINER)
