"""The mirror equals the journal after whatever happened to it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.journal.canonical import parse_record, record_line
from orchestrator.journal.memory_log import MemoryLog
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from tests.journal.conftest import entry


def whole(journal: SqliteJournal) -> bytes:
    return b"".join(map(record_line, journal.records()))


def reopened(home: Home) -> bytes:
    with SqliteJournal.open(home) as journal:
        assert home.memory_log.read_bytes() == whole(journal)
        return whole(journal)


def test_each_line_is_a_record(journal: SqliteJournal, orch_home: Home) -> None:
    made = journal.append([entry("a"), entry("b\u2028\n")])
    lines = orch_home.memory_log.read_bytes().splitlines(keepends=True)
    assert [parse_record(json.loads(line)) for line in lines] == made
    assert [record_line(record) for record in made] == lines


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _cut_whole_lines(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))


def _foreign_tail(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b'{"id": 5}\nnot a record\n')


def _same_size(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3] + b"x}\n")


def _shorter_and_edited(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0].replace(b"first", b"1st") + lines[1])


def _garbage(path: Path) -> None:
    path.write_bytes(b"\xff\x00" * 50_000)


def _nested(path: Path) -> None:
    path.write_bytes(b"[" * 100_000 + b"\n")


@pytest.mark.parametrize(
    "harm",
    [_cut, _cut_whole_lines, _foreign_tail, _same_size, _shorter_and_edited, _garbage, _nested, Path.unlink],
)
def test_it_is_whole_again_at_the_next_start(orch_home: Home, harm: Callable[[Path], None]) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([entry("first"), entry("second"), entry("x" * 200_000)])
    harm(orch_home.memory_log)
    assert reopened(orch_home)


@pytest.mark.parametrize("harm", [_cut, _foreign_tail, Path.unlink])
def test_it_is_whole_again_at_the_next_write(
    journal: SqliteJournal, orch_home: Home, harm: Callable[[Path], None]
) -> None:
    journal.append([entry("first"), entry("second")])
    harm(orch_home.memory_log)
    journal.append([entry("third")])
    assert orch_home.memory_log.read_bytes() == whole(journal)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2000), st.binary(max_size=20))
def test_cut_anywhere_and_written_over(orch_home: Home, cut: int, tail: bytes) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([entry("a"), entry("b")])
    data = orch_home.memory_log.read_bytes()
    orch_home.memory_log.write_bytes(data[: max(len(data) - cut, 0)] + tail)
    assert reopened(orch_home)


@pytest.mark.parametrize("harm", [_cut, _cut_whole_lines])
def test_a_torn_tail_is_completed_and_not_written_anew(orch_home: Home, harm: Callable[[Path], None]) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([entry("first"), entry("second"), entry("third")])
    harm(orch_home.memory_log)
    inode = orch_home.memory_log.stat().st_ino
    assert reopened(orch_home)
    assert orch_home.memory_log.stat().st_ino == inode


def test_an_edited_mirror_is_kept_aside(orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([entry("first")])
    _foreign_tail(orch_home.memory_log)
    edited = orch_home.memory_log.read_bytes()
    reopened(orch_home)
    assert MemoryLog(orch_home.memory_log).aside.read_bytes() == edited


def test_a_mirror_that_cannot_be_written_loses_nothing_and_warns_once(
    orch_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    orch_home.memory_log.mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        # an empty folder's size is not 0, so the journal is made before the folder stands there
        orch_home.memory_log.rmdir()
        with SqliteJournal.open(orch_home) as journal:
            orch_home.memory_log.mkdir()
            journal.append([entry("a")])
            journal.append([entry("b")])
            assert len(journal.records()) == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    orch_home.memory_log.rmdir()
    assert len(reopened(orch_home).splitlines()) == 2


def test_an_untouched_mirror_is_not_read_through(orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteJournal.open(orch_home) as journal:
        journal.append([entry(str(number)) for number in range(300)])
    asked: list[int] = []
    lines = SqliteJournal._lines
    monkeypatch.setattr(
        SqliteJournal, "_lines", lambda self, after: asked.append(after) or lines(self, after)
    )
    with SqliteJournal.open(orch_home) as journal:
        journal.append([entry("more")])
    assert asked == [299]
