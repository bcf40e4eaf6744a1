from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from orchestrator import durable


def test_what_was_there_keeps_its_permissions_and_what_is_new_obeys_the_umask(tmp_path: Path) -> None:
    old, new, own = (tmp_path / name for name in ("old", "new", "own"))
    old.write_bytes(b"x")
    old.chmod(0o666)
    before = os.umask(0o027)
    try:
        for path in (old, new):
            assert durable.replace(path, b"data")
        durable.replace(own, b"data", mode=0o600)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (old, new, own)] == [0o666, 0o640, 0o600]
    assert {path.name for path in tmp_path.iterdir()} == {"old", "new", "own"}


def test_nothing_happens_where_the_caller_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    assert not durable.replace(path, b"new", unless=lambda: True)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="No space"):
        durable.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to("target")
    durable.replace(tmp_path / "link", b"ours")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"theirs"


@pytest.mark.parametrize("links", [True, False])
def test_of_many_that_make_a_file_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def without(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", without)
    made: list[str] = []

    def make(name: str) -> None:
        if durable.create(tmp_path / "id", name.encode()):
            made.append(name)

    threads = [threading.Thread(target=make, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(tmp_path / "id").read_text()] == made
    assert [entry.name for entry in tmp_path.iterdir()] == ["id"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes in folders")
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_RDWR):
        with pytest.raises(durable.NotRegular, match="it is not a regular file"):
            durable.handle(tmp_path / "pipe", flags)
        with pytest.raises(durable.NotRegular):
            durable.handle("/dev/null", flags)
    with pytest.raises(IsADirectoryError):
        durable.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        durable.read(tmp_path / "missing")
    (tmp_path / "a").write_bytes(b"0123")
    assert (durable.read(tmp_path / "a"), durable.read(tmp_path / "a", 2)) == (b"0123", b"01")
