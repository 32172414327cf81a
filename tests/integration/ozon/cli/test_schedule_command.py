"""`ozon schedule`, as a process, with Debian's own crontab program and with Airflow's metadata database."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from include.ozon_local.airflow import PROGRAM as AIRFLOW
from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.home import ROOT
from include.ozon_local.processes import child_environment
from tests.conftest import MakeEnvironment, StartSandbox
from tests.integration.ozon.cli.conftest import assert_one_sentence
from tests.support import crontabs, process, scratch
from tests.support.airflow_runs import Airflow
from tests.support.documents import data_of
from tests.support.process import Done

pytestmark = pytest.mark.long

SECRET = "pass-word-1%$'x"
FOREIGN = (
    b"# caf\xc3\xa9, and bytes that are no UTF-8: \xff\xfe\n"
    b"MAILTO=ops@example.org\r\n"
    b"0 1 * * * /opt/old_loader --all\r\n"
    b"   \t\n\n"
    b"@daily /opt/backup 50\\% done\n"
)
BLOCK = re.compile(rb"# >>> ozon-etl [^\n]+ >>>\n(?:[^\n]*\n)*?# <<< ozon-etl [^\n]+ <<<\n")


@dataclass
class Schedule:
    """`ozon schedule` in a home whose name has a space and a percent sign, which are special for cron."""

    user: crontabs.TestUser
    home: Path

    def __call__(self, *arguments: str, **variables: str) -> Done:
        environment = {
            **child_environment(self.home),
            "PATH": self.user.path,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW_CONN_SMTP_DEFAULT": SECRET,
            "OZON_ENV": "testing",
            "TZ": "Etc/UTC",
        }
        # Airflow makes folders below the current one while its home has a percent sign.
        return process.run(process.OZON, "schedule", *arguments, env={**environment, **variables}, cwd=self.home)

    def crontab(self, *arguments: str, **variables: str) -> Done:
        return self(*arguments, "--target", "crontab", **variables)

    def install(self, *arguments: str, **variables: str) -> str:
        done = self.crontab("install", *arguments, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self) -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in self.home.rglob("*") if file.is_file()}

    @property
    def backups(self) -> list[Path]:
        return sorted((self.home / "cron" / "backups").glob("*"))

    @property
    def wrapper(self) -> Path:
        (wrapper,) = (self.home / "cron").glob("*.sh")
        return wrapper


@pytest.fixture
def schedule(crontab_user: crontabs.TestUser) -> Iterator[Schedule]:
    home = scratch.new_folder("cron") / "a home, 100% ours"
    home.mkdir()
    yield Schedule(crontab_user, home)
    crontab_user.forget()


def own_block(crontab: bytes | None) -> bytes:
    (found,) = BLOCK.findall(crontab or b"")
    return bytes(found)


def commands(block: bytes) -> list[str]:
    """Return the command that cron passes to /bin/sh, with its escapes resolved."""
    jobs = [line for line in block.decode().splitlines() if line[:1] in "0123456789*"]
    return [job.split(maxsplit=5)[5].replace("\\%", "%") for job in jobs]


@pytest.mark.parametrize("foreign", [None, b"", FOREIGN], ids=["none", "empty", "foreign"])
def test_a_block_comes_with_a_backup_and_goes_without_a_trace(foreign: bytes | None, schedule: Schedule) -> None:
    if foreign is not None:
        schedule.user.write(foreign)

    shown = schedule.install()

    installed = schedule.user.crontab()
    assert installed == (foreign or b"") + own_block(installed)
    assert "+# >>> ozon-etl " in shown
    (backup,) = schedule.backups
    assert str(backup) in shown
    assert (backup.read_bytes(), stat.S_IMODE(backup.stat().st_mode)) == (foreign or b"", 0o600)

    files = schedule.files()
    assert schedule.install() == "Nothing to change: it is up to date.\n"
    assert (schedule.user.crontab(), schedule.files()) == (installed, files)

    removed = schedule.crontab("remove")
    assert removed.returncode == 0, removed.stderr
    assert "-# >>> ozon-etl " in removed.stdout
    assert schedule.user.crontab() == foreign
    assert not list(schedule.home.rglob("*.sh"))
    assert schedule.crontab("remove").stdout == "Nothing to change: it is up to date.\n"


def test_a_last_line_without_an_end_gets_one(schedule: Schedule) -> None:
    schedule.user.write_unchecked(b"0 1 * * * first\n0 2 * * * last")

    schedule.install()

    installed = schedule.user.crontab()
    assert installed == b"0 1 * * * first\n0 2 * * * last\n" + own_block(installed)
    assert schedule.backups[0].read_bytes() == b"0 1 * * * first\n0 2 * * * last"
    restored = schedule("restore", str(schedule.backups[0]))
    assert "one is added" in restored.stdout
    assert schedule.user.crontab() == b"0 1 * * * first\n0 2 * * * last\n"


def test_a_dry_run_shows_all_and_changes_nothing(schedule: Schedule) -> None:
    schedule.user.write(FOREIGN)

    for command in (["install", "--adopt", "old_loader"], ["remove"]):
        shown = schedule.crontab(*command, "--dry-run").stdout
        assert shown.endswith("Dry run: nothing was changed.\n" if "install" in command else "it is up to date.\n")
    assert (schedule.user.crontab(), schedule.files()) == (FOREIGN, {})

    schedule.install()
    installed, files = schedule.user.crontab(), schedule.files()
    assert "-# <<< ozon-etl " in schedule.crontab("remove", "--dry-run").stdout
    assert "-# <<< ozon-etl " in schedule("restore", str(schedule.backups[0]), "--dry-run").stdout
    assert (schedule.user.crontab(), schedule.files()) == (installed, files)


def test_adopted_jobs_are_commented_out_and_come_back_with_the_backup(schedule: Schedule, tmp_path: Path) -> None:
    schedule.user.write(FOREIGN)

    shown = schedule.install("--adopt", r"old_\w+", "--backup", str(tmp_path / "kept"))

    assert "Jobs commented out because they match --adopt: 1." in shown
    installed = schedule.user.crontab() or b""
    note = re.search(rb"# Commented out by ozon-etl at [0-9TZ:-]+: 0 1 \* \* \* /opt/old_loader --all\r\n", installed)
    assert note is not None
    assert installed.replace(note[0], note[0].partition(b"Z: ")[2]).replace(own_block(installed), b"") == FOREIGN

    assert schedule.backups == []
    (backup,) = (tmp_path / "kept").iterdir()
    restored = schedule("restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    assert schedule.user.crontab() == FOREIGN
    # The state before the restore is backed up, too, and restores the block.
    (later,) = schedule.backups
    assert later.read_bytes() == installed
    again = schedule("restore", str(later))
    assert "need `ozon schedule install --target crontab`" in again.stdout
    assert schedule.user.crontab() == installed


def test_a_backup_of_no_crontab_brings_back_none(schedule: Schedule) -> None:
    schedule.install()

    assert schedule("restore", str(schedule.backups[0])).returncode == 0
    assert schedule.user.crontab() is None


@pytest.mark.parametrize("damage", ["no end", "doubled", "nested"])
def test_damaged_markers_are_refused_and_nothing_is_touched(damage: str, schedule: Schedule) -> None:
    schedule.install()
    block = own_block(schedule.user.crontab())
    begin, end = block.splitlines(keepends=True)[0], block.splitlines(keepends=True)[-1]
    damaged = {"no end": block.replace(end, b""), "doubled": block + block, "nested": begin + block + end}[damage]
    schedule.user.write(damaged)
    files = schedule.files()

    for command in ("install", "remove"):
        assert_one_sentence(schedule.crontab(command), 1, "markers of this package in the crontab are damaged")
    assert (schedule.user.crontab(), schedule.files()) == (damaged, files)
    assert_one_sentence(schedule.crontab("status"), 1, "markers of this package in the crontab are damaged")


def test_a_line_runs_as_cron_runs_it_and_no_secret_is_in_the_crontab(schedule: Schedule) -> None:
    shown = schedule.install()

    crontab = (schedule.user.crontab() or b"").decode()
    assert "pass-word-1" not in crontab + shown
    assert stat.S_IMODE(schedule.wrapper.stat().st_mode) == 0o600
    (run, health, visibility, maintenance) = commands(crontab.encode())
    assert run.endswith("ozon run")
    assert health.endswith("ozon health --alert --quiet")
    assert visibility.endswith("ozon visibility --save-report --alert")
    assert maintenance.endswith("ozon maintenance")

    for words, expected in (
        ("ozon schedule --help", "ozon schedule"),
        ("""sh -c 'printf "%s|" "$AIRFLOW_HOME" "$AIRFLOW_CONN_SMTP_DEFAULT" "$OZON_ENV"'""", f"{SECRET}|testing|"),
    ):
        done = as_cron_runs(run.replace("ozon run", words))
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def as_cron_runs(command: str) -> Done:
    minimal = {"HOME": "/", "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    return process.run("/bin/sh", "-c", command, env=minimal, cwd=Path("/"))


def test_a_job_that_is_not_due_ends_at_once(schedule: Schedule) -> None:
    # Never due within the test, and due at every minute.
    schedule.install(
        TZ="Europe/Berlin", OZON__SCHEDULE__METRICS="0 12 29 2 *", OZON__SCHEDULE__MAINTENANCE="* * * * 1-7"
    )
    wrapper = schedule.wrapper

    not_due, due = (
        as_cron_runs(f"/bin/sh '{wrapper}' --if-due {name} echo started") for name in ("metrics", "maintenance")
    )

    assert (not_due.returncode, not_due.stdout, not_due.stderr) == (0, "", "")
    assert (due.returncode, due.stdout) == (0, "started\n"), due.stderr
    assert "--if-due metrics ozon visibility" in own_block(schedule.user.crontab()).decode()


def test_a_changed_configuration_is_noticed_and_installed_in_place(schedule: Schedule) -> None:
    schedule.user.write(FOREIGN)
    schedule.install()
    schedule.user.write((schedule.user.crontab() or b"") + b"0 9 * * * later\n")
    changed = {"OZON__SCHEDULE__METRICS": "45 9 * * *"}

    state = data_of(schedule.crontab("status", "--output", "json", **changed).stdout)
    assert state["crontab"] == {
        "installed": True,
        "up_to_date": False,
        "problem": None,
        "foreign_jobs": 3,
        "blocks_of_other_folders": [],
    }
    shown = schedule.install(**changed)

    assert '-# schedule.metrics = "30 9 * * *"' in shown
    installed = schedule.user.crontab() or b""
    assert installed == FOREIGN + own_block(installed) + b"0 9 * * * later\n"
    assert "installed; up to date; other jobs: 3" in schedule.crontab("status", **changed).stdout


def test_an_error_is_one_sentence(schedule: Schedule, tmp_path: Path) -> None:
    assert_one_sentence(schedule("install"), 2, "Name the target")
    assert_one_sentence(
        schedule.crontab("install", "--adopt", "("),
        2,
        "--adopt: expected a regular expression that matches jobs, found '('",
    )
    assert_one_sentence(schedule.crontab("install", "--adopt", ""), 2, "would match every job")
    assert_one_sentence(schedule("restore", str(tmp_path / "none")), 2, "cannot be read")
    assert_one_sentence(schedule.crontab("install", TZ="MSK-3"), 2, "expected the name of a time zone, found 'MSK-3'")
    assert_one_sentence(schedule.crontab("install", PATH=str(tmp_path)), 1, "The program `crontab` is not installed")
    (tmp_path / "file").touch()
    refused = schedule.crontab("install", "--backup", str(tmp_path / "file"))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "cannot be written" in refused.stderr
    unreachable = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://u:pass-word-2@127.0.0.1:1/x"}
    done = schedule("install", "--target", "airflow", **unreachable)
    assert_one_sentence(done, 1, "Airflow's metadata database does not answer")
    assert "pass-word-2" not in done.stderr
    assert schedule.user.crontab() is None


@pytest.fixture
def airflow(
    warehouse_dsn: str,
    start_sandbox: StartSandbox,
    make_airflow_environment: MakeEnvironment,
) -> Airflow:
    """With this project's DAGs known and paused."""
    environment = make_airflow_environment(warehouse_dsn, start_sandbox())
    environment["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "True"
    return Airflow(environment)


def paused(airflow: Airflow) -> dict[str, bool]:
    return {row["dag_id"]: row["is_paused"] for row in airflow.rows("SELECT dag_id, is_paused FROM dag ORDER BY 1")}


def test_airflows_dags_are_unpaused_and_put_back_as_they_were(airflow: Airflow) -> None:
    def schedule(*arguments: str) -> Done:
        return process.run(process.OZON, "schedule", *arguments, env=airflow.environment)

    on = ("--target", "airflow")
    assert_one_sentence(schedule("install", *on), 1, "Airflow does not know ozon_etl")
    subprocess.run([AIRFLOW, "dags", "reserialize"], env=airflow.environment, cwd=ROOT, check=True, capture_output=True)
    # One is already active, and there is a DAG of another package.
    with airflow._connect() as connection:
        connection.execute("UPDATE dag SET is_paused = false WHERE dag_id = 'ozon_health_check'")
        connection.execute(
            'INSERT INTO dag SELECT (jsonb_populate_record(d, \'{"dag_id": "theirs", "is_paused": true}\')).* '
            "FROM dag d WHERE dag_id = 'ozon_etl'"
        )
    before = paused(airflow)
    assert (before["ozon_etl"], before["ozon_health_check"], before["theirs"]) == (True, False, True)

    dry = schedule("install", *on, "--dry-run")
    assert '-    "ozon_etl": true' in dry.stdout
    assert paused(airflow) == before

    installed = schedule("install", *on, "--output", "json")
    assert installed.returncode == 0, installed.stderr
    backup = Path(data_of(installed.stdout)["backup"])
    assert paused(airflow) == {**dict.fromkeys(before, False), "theirs": True}
    assert schedule("install", *on).stdout == "Nothing to change: it is up to date.\n"
    assert "airflow: installed; up to date; paused: none." in schedule("status", *on).stdout

    assert schedule("remove", *on).returncode == 0
    assert paused(airflow) == before
    assert airflow.rows("SELECT key FROM variable WHERE key = 'ozon_schedule_before'") == []

    assert schedule("install", *on).returncode == 0
    assert_one_sentence(
        schedule("restore", str(backup), "--target", "crontab"),
        2,
        "Expected a backup of the target crontab, found one of airflow",
    )
    assert schedule("restore", str(backup)).returncode == 0
    assert paused(airflow) == before


def test_validation_needs_no_database_and_finds_problems(
    schedule: Schedule, warehouse_dsn: str, tmp_path: Path
) -> None:
    def checks(done: Done) -> dict[str, Any]:
        assert "Traceback" not in done.stderr
        return {check["name"]: check for check in data_of(done.stdout)}

    # Airflow's home may not contain a percent sign.
    assert "Airflow does not start with its configuration" in schedule("validate", "--output", "json").stdout
    schedule = Schedule(schedule.user, scratch.new_folder("plain"))
    fine = schedule("validate", "--output", "json", "--backup", str(tmp_path))
    found = checks(fine)
    assert fine.returncode == 0, found
    assert {name: check["status"] for name, check in found.items()} == {
        "configuration": "ok",
        "DAGs": "ok",
        "last runs": "unknown",
        **{f"schedule.{name}": "ok" for name in ("etl", "health", "metrics", "maintenance")},
        "crontab": "ok",
        "airflow": "unknown",
        "backup": "ok",
    }

    with_warehouse = {WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn)}
    schedule.install()
    schedule.wrapper.chmod(0o644)
    failed = schedule.crontab("validate", "--output", "json", **with_warehouse)
    assert failed.returncode == 1
    found = checks(failed)
    assert "last runs" not in found
    assert "airflow" not in found
    assert "can be read by others (mode 0644)" in found["crontab"]["message"]

    broken = schedule("validate", OZON__RETRY__RETRIES="many")
    assert (broken.returncode, "OZON__RETRY__RETRIES" in broken.stdout) == (1, True)
    assert not os.path.lexists(tmp_path / "cron")
