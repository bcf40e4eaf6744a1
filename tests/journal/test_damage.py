"""Kills, full disks, read-only disks and damaged files: one clear sentence, and nothing is lost."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import JournalError
from orchestrator.journal.canonical import record_line
from orchestrator.journal.rebuild import is_sound, rebuild
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from tests.journal.conftest import entry

KILLS = 220


# --- kill -9 ------------------------------------------------------------------------------------


def write_until_killed(home: Home, acknowledge: int, round_: int) -> None:
    """The child: appends one to four records at a time, and names the last of each batch."""
    with SqliteJournal.open(home) as journal:
        while True:
            batch = [
                entry(
                    "x" * random.choice((10, 100, 9000)),
                    private=random.random() < 0.2,
                    session=f"{round_:04}",
                )
                for _ in range(random.randint(1, 4))
            ]
            for record in journal.append(batch):
                os.write(acknowledge, record.id.encode() + b"\n")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_no_kill_loses_an_acknowledged_record(orch_home: Home) -> None:
    random.seed(5)
    acknowledged: list[str] = []
    for round_ in range(KILLS):
        read, write = os.pipe()
        if (child := os.fork()) == 0:
            try:
                write_until_killed(orch_home, write, round_)
            finally:
                os._exit(1)
        os.close(write)
        # some die while they open the journal, most at some moment of writing
        if round_ % 5:
            select.select([read], [], [], 20)
        time.sleep(random.uniform(0, 0.012))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        with os.fdopen(read, "rb") as pipe:
            acknowledged += pipe.read().decode().split()
        _check_tail(orch_home, acknowledged)
    _check_everything(orch_home, acknowledged)


def _check_tail(home: Home, acknowledged: list[str]) -> None:
    with SqliteJournal.open(home) as journal:
        newest = journal.records(newest_first=True, limit=1)
        if acknowledged:
            assert journal.by_id_prefix(acknowledged[-1])
            assert home.memory_log.read_bytes().endswith(record_line(newest[0]))


def _check_everything(home: Home, acknowledged: list[str]) -> None:
    assert len(acknowledged) > KILLS
    with SqliteJournal.open(home) as journal:
        records = journal.records()
        assert set(acknowledged) <= {record.id for record in records}
        for stream in ("p1", "private"):
            assert [record.seq for record in records if record.stream == stream] == list(
                range(1, 1 + sum(record.stream == stream for record in records))
            )
        assert home.memory_log.read_bytes() == b"".join(map(record_line, records))
    with sqlite3.connect(home.journal) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


# --- a full disk, a read-only disk --------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes. As root a mount of its own; a failing mount is a failure and not a skip."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root mounts; the test with a file size limit runs instead")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill_until_error(journal: SqliteJournal) -> list[str]:
    done: list[str] = []

    def fill() -> None:
        for _ in range(400):
            done.extend(record.id for record in journal.append([entry("x" * 20_000), entry("y" * 20_000)]))

    with pytest.raises(JournalError, match="nothing was recorded") as caught:
        fill()
    assert "Free space" in caught.value.remedy
    return done


@pytest.mark.filterwarnings("ignore")
def test_a_full_disk_refuses_and_keeps_what_was_there(small_disk: Path) -> None:
    home = Home(small_disk / "home")
    with SqliteJournal.open(home) as journal:
        done = _fill_until_error(journal)
        assert done
        assert [record.id for record in journal.records()] == done
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    with SqliteJournal.open(home) as journal:
        assert [record.id for record in journal.records()] == done
        more = journal.append([entry("there is space again")])
        assert [record.seq for record in journal.records()] == list(range(1, len(done) + 2))
        assert home.memory_log.read_bytes().endswith(record_line(more[0]))
        assert home.memory_log.read_bytes().count(b"\n") == len(done) + 1


def test_no_space_for_a_new_journal(small_disk: Path) -> None:
    with pytest.raises(OSError, match="space"):
        (small_disk / "ballast").write_bytes(bytes(3_000_000))
    with pytest.raises(JournalError, match=r"no space|could not be written|cannot be opened"):
        SqliteJournal.open(Home(small_disk / "home"))


def test_a_read_only_disk_is_a_clear_error(small_disk: Path) -> None:
    home = Home(small_disk / "home")
    with SqliteJournal.open(home) as journal:
        journal.append([entry()])
    for folder in (home, Home(small_disk / "new")):
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with pytest.raises(JournalError, match="cannot be opened for writing") as caught:
            SqliteJournal.open(folder)
        assert "ORCH_HOME" in caught.value.remedy
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_a_file_size_limit_refuses_and_keeps_what_was_there(orch_home: Home) -> None:
    import resource

    if (child := os.fork()) == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
            with SqliteJournal.open(orch_home) as journal:
                done = _fill_until_error(journal)
                code = 0 if done and [record.id for record in journal.records()] == done else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    with SqliteJournal.open(orch_home) as journal:
        kept = journal.records()
        assert [record.seq for record in kept] == list(range(1, len(kept) + 1))
        assert orch_home.memory_log.read_bytes() == b"".join(map(record_line, kept))


# --- damage -------------------------------------------------------------------------------------


def _written(home: Home, count: int = 300) -> list[str]:
    with SqliteJournal.open(home) as journal:
        journal.append([entry("x" * 500) for _ in range(count)])
        return [record.id for record in journal.records()]


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x07garbage" * 5000)


def _torn(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _emptied(path: Path) -> None:
    os.truncate(path, 0)


def _middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 : len(data) - 4096] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)


def _another_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.execute("PRAGMA user_version = 1")
    connection.close()


HARMS = [_garbage, _torn, _emptied, _middle, _another_database, Path.unlink]


def _use(home: Home) -> None:
    with SqliteJournal.open(home) as journal:
        journal.records()
        journal.append([entry()])


@pytest.mark.parametrize("harm", HARMS)
def test_damage_is_one_sentence_and_deletes_nothing(orch_home: Home, harm: object) -> None:
    _written(orch_home)
    mirror = orch_home.memory_log.read_bytes()
    harm(orch_home.journal)  # type: ignore[operator]
    left = orch_home.journal.read_bytes() if orch_home.journal.exists() else b""
    with pytest.raises(JournalError) as caught:
        _use(orch_home)
    assert "orch log --rebuild" in caught.value.remedy
    assert orch_home.memory_log.read_bytes() == mirror
    assert not left or orch_home.journal.read_bytes() == left


@pytest.mark.parametrize("harm", HARMS)
def test_a_rebuilt_journal_has_every_record_and_a_new_epoch(orch_home: Home, harm: object) -> None:
    ids = _written(orch_home)
    with SqliteJournal.open(orch_home) as journal:
        device = journal.device
    harm(orch_home.journal)  # type: ignore[operator]
    assert not is_sound(orch_home)
    damaged = orch_home.journal.read_bytes() if orch_home.journal.exists() else None
    done = rebuild(orch_home)
    assert (done.records, done.unread) == (len(ids), 0)
    assert (done.aside.read_bytes() if done.aside else None) == damaged
    assert is_sound(orch_home)
    with SqliteJournal.open(orch_home) as journal:
        assert journal.device == (device[0], device[1] + 1)
        before = journal.records()
        assert [record.id for record in before] == ids
        new = journal.append([entry()])[0]
        assert (new.seq, new.epoch, new.entity) == (1, 2, f"7f3a01#{len(ids) + 1}")
        assert new.ts > before[-1].ts
        assert orch_home.memory_log.read_bytes().endswith(record_line(new))


def test_what_the_mirror_lacks_comes_from_the_damaged_database(orch_home: Home) -> None:
    ids = _written(orch_home)
    lines = orch_home.memory_log.read_bytes().splitlines(keepends=True)
    orch_home.memory_log.write_bytes(b"".join(lines[:250]) + b"torn {\n" + b'{"id": 1}\n')
    data = bytearray(orch_home.journal.read_bytes())
    data[40_000:60_000] = b"\xff" * 20_000
    orch_home.journal.write_bytes(data)
    assert not is_sound(orch_home)
    done = rebuild(orch_home)
    assert (done.records, done.unread) == (len(ids), 2)
    assert orch_home.memory_log.with_name("memory_log.jsonl.replaced").read_bytes().count(b"torn") == 1
    with SqliteJournal.open(orch_home) as journal:
        assert {record.id for record in journal.records()} == set(ids)


def test_a_lost_write_ahead_log_needs_no_rebuild(orch_home: Home) -> None:
    _written(orch_home)
    assert is_sound(orch_home)
    shutil.copy(orch_home.journal, orch_home.journal.with_name("copy"))
    with SqliteJournal.open(orch_home) as journal:
        assert len(journal.records()) == 300
