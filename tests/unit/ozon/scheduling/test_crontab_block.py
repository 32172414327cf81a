"""One block in a crontab with bytes of others."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.ozon.configuration import load_settings
from include.ozon.errors import FatalError
from include.ozon.scheduling.backups import diff
from include.ozon.scheduling.block import (
    adopt,
    begin_marker,
    count_foreign_jobs,
    end_marker,
    find_blocks,
    with_block,
    without_block,
)
from include.ozon.scheduling.jobs import cron_command, jobs, render_block
from include.ozon.scheduling.zones import machine_zone

HERE, THERE = b"/srv/ozon one", b"/srv/two"
NOW = datetime(2026, 11, 24, 11, 53, 52, tzinfo=UTC)

FOREIGN = [
    b"",
    b"\n",
    b"MAILTO=ops@example.org\n0 1 * * * backup\n",
    b"# caf\xc3\xa9 \xff\xfe\r\n0 1 * * * a\r\n\t\n0 2 * * * b\n\n\n",
    b"0 1 * * * echo \x0b \x85 \xe2\x80\xa8 still one line\n",
]


def block(folder: bytes, content: bytes = b"0 5 * * * ozon run\n") -> bytes:
    return begin_marker(folder) + b"\n" + content + end_marker(folder) + b"\n"


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_block_is_added_and_removed_without_changing_other_bytes(foreign: bytes) -> None:
    installed = with_block(foreign, HERE, block(HERE))

    assert installed == foreign + block(HERE)
    assert with_block(installed, HERE, block(HERE)) == installed
    assert without_block(installed, HERE) == foreign
    assert without_block(foreign, HERE) == foreign


def test_a_last_line_without_an_end_gets_one() -> None:
    assert with_block(b"0 1 * * * a", HERE, block(HERE)) == b"0 1 * * * a\n" + block(HERE)


def test_a_block_is_renewed_in_its_place_also_where_an_editor_has_changed_its_line_ends() -> None:
    before = b"a=1\n" + block(HERE, b"# old\n").replace(b"\n", b"\r\n") + b"0 1 * * * b\n"

    assert with_block(before, HERE, block(HERE)) == b"a=1\n" + block(HERE) + b"0 1 * * * b\n"


def test_two_clones_do_not_touch_each_others_block() -> None:
    both = with_block(with_block(b"0 1 * * * a\n", HERE, block(HERE)), THERE, block(THERE))

    assert without_block(both, HERE) == b"0 1 * * * a\n" + block(THERE)
    assert [each.folder for each in find_blocks(both)] == [HERE, THERE]
    assert count_foreign_jobs(both) == 1


def test_a_zone_set_by_somebody_else_stays_below_the_block() -> None:
    foreign = b'MAILTO=x\n "CRON_TZ" = Asia/Tokyo\n0 1 * * * a\n'

    installed = with_block(foreign, HERE, block(HERE))

    assert installed == b"MAILTO=x\n" + block(HERE) + b' "CRON_TZ" = Asia/Tokyo\n0 1 * * * a\n'
    assert with_block(installed, HERE, block(HERE)) == installed


BEGIN, END = begin_marker(HERE) + b"\n", end_marker(HERE) + b"\n"


@pytest.mark.parametrize(
    ("crontab", "what"),
    [
        (BEGIN + b"0 1 * * * a\n", "begins in line 1 has no end"),
        (b"\n" + END, "ends in line 2 has no beginning"),
        (BEGIN + END + BEGIN + END, "begins in line 3 is a duplicate"),
        (BEGIN + BEGIN + END + END, "begins in line 2 before the block of line 1 has ended"),
        (BEGIN + begin_marker(THERE) + b"\n" + END, "begins in line 2 before"),
        (BEGIN + end_marker(THERE) + b"\n", "ends in line 2"),
        (BEGIN + b"## <<< ozon-etl\n", "line 2 is not a complete marker"),
        (BEGIN + END.replace(b"/srv", b" <<< /srv").replace(b" <<<\n", b"\n"), "line 2 is not a complete marker"),
        (BEGIN[:-2] + b"\n" + END, "line 1 is not a complete marker"),
    ],
)
def test_damaged_markers_are_refused_and_named(crontab: bytes, what: str) -> None:
    for change in (
        lambda: with_block(crontab, HERE, block(HERE)),
        lambda: without_block(crontab, HERE),
        lambda: adopt(crontab, re.compile(b"a"), NOW),
    ):
        with pytest.raises(FatalError, match="markers of this package in the crontab are damaged") as caught:
            change()
        assert what in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_adopting_comments_out_jobs_and_nothing_else() -> None:
    foreign = (
        b"OLD=/opt/old_loader\n# old_loader, see wiki\n0 1 * * * /opt/old_loader \xff\r\n@daily old_loader"
        b" --again\n0 2 * * * other\n"
        + block(HERE, b"0 5 * * * old_loader\n")
        + block(THERE, b"0 5 * * * old_loader\n")
    )

    adopted, count = adopt(foreign, re.compile(b"old_loader"), NOW)

    note = b"# Commented out by ozon-etl at 2026-11-24T11:53:52Z: "
    assert count == 2
    assert adopted == foreign.replace(b"0 1 * * *", note + b"0 1 * * *").replace(b"@daily", note + b"@daily")
    assert adopt(adopted, re.compile(b"old_loader"), NOW) == (adopted, 0)


def test_a_block_has_the_configured_expressions_and_the_zone_of_its_hours() -> None:
    settings = load_settings(environ={"OZON__TIME_ZONE": "Europe/Moscow", "OZON_ENV": "production"})
    machine = machine_zone({"TZ": "Europe/Berlin"})

    text = render_block(settings, machine, Path("/srv/50% of it/ozon.sh"), NOW, no_crontab_before=False).decode()

    assert '# schedule.etl = "0 2,8,14,20 * * *" in Europe/Moscow: started at each possible hour' in text
    assert r"0 0,1,6,7,12,13,18,19 * * * /bin/sh '/srv/50\% of it/ozon.sh' ozon run --if-due" in text
    assert r"*/15 * * * * /bin/sh '/srv/50\% of it/ozon.sh' ozon health --alert --quiet" in text
    assert r"ozon.sh' --if-due metrics ozon visibility --save-report --alert" in text
    assert r"30 * * * * /bin/sh '/srv/50\% of it/ozon.sh' --if-due maintenance ozon maintenance" in text


def test_a_line_break_in_an_expression_does_not_get_into_the_crontab() -> None:
    settings = load_settings(environ={"OZON__SCHEDULE__METRICS": "30 9 * *\n*"})

    assert {job.expression for job in jobs(settings)} >= {"30 9 * * *"}


@pytest.mark.parametrize("folder", ["/srv/back\\slash", "/srv/two\nlines"])
def test_a_folder_with_unsupported_characters_is_refused(folder: str) -> None:
    with pytest.raises(FatalError, match="line break or backslash"):
        render_block(load_settings(environ={}), machine_zone({}), Path(folder), NOW, no_crontab_before=False)


def test_a_command_is_quoted_for_the_shell_and_for_cron() -> None:
    assert cron_command(["/bin/sh", "/a b/c%d.sh", "it's"]) == "/bin/sh '/a b/c\\%d.sh' 'it'\"'\"'s'"


def test_a_diff_escapes_what_a_terminal_cannot_show() -> None:
    shown = diff(b"a\r\nb\xff\n\x1b[2J\nend", b"a\r\nb\xff\n\x1b[2J\nend\nnew\n", "crontab")

    assert " a\\r\n b\\xff\n \\x1b[2J\n-end (no line end)\n+end\n+new\n" in shown
    assert diff(None, None, "crontab") == diff(b"a\n", b"a\n", "crontab") == ""
