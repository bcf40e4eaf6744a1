import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from orchestrator.documents import files
from orchestrator.errors import DocumentError


def test_read_head_and_tail(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    assert files.read(path, (tmp_path,), 10) is None
    path.write_bytes(b"0123456789")
    assert files.read(path, (tmp_path,), 4) == b"0123"
    assert files.read(path, (tmp_path,), 4, tail=True) == b"6789"


def test_a_huge_file_costs_only_its_tail(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(0, 2)
        file.write(b"end")
    assert files.read(path, (tmp_path,), 3, tail=True) == b"end"


def test_pipes_devices_folders_and_links_outside_are_refused(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret").write_text("secret")
    os.mkfifo(project / "pipe")
    (project / "folder").mkdir()
    (project / "out").symlink_to(tmp_path / "secret")
    (project / "device").symlink_to("/dev/zero")
    (project / "loop").symlink_to("loop")
    for name in ("pipe", "folder", "out", "device", "loop"):
        with pytest.raises(DocumentError):
            files.read(project / name, (project,), 10)
    for name in ("pipe", "out", "loop"):
        with pytest.raises(DocumentError):
            files.append(project / name, (project,), b"x")
        with pytest.raises(DocumentError):
            files.rewrite(project / name, (project,), lambda old: b"x")
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_link_inside_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "log.md").write_text("old")
    (tmp_path / "log.md").symlink_to("docs/log.md")
    assert files.rewrite(tmp_path / "log.md", (tmp_path,), lambda old: b"new")
    assert (tmp_path / "log.md").is_symlink()
    assert (tmp_path / "docs" / "log.md").read_bytes() == b"new"


def test_rewrite_keeps_mode_and_writes_only_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"x")
    path.chmod(0o640)
    before = path.stat()
    assert not files.rewrite(path, (tmp_path,), lambda old: old or b"")
    assert path.stat() == before
    assert files.rewrite(path, (tmp_path,), lambda old: b"y")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.md"]


def test_a_save_by_an_editor_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"one")
    seen: list[bytes | None] = []

    def edit(old: bytes | None) -> bytes:
        if not seen:
            path.write_bytes(b"saved by the editor")
        seen.append(old)
        return (old or b"") + b" + generated"

    assert files.rewrite(path, (tmp_path,), edit)
    assert seen == [b"one", b"saved by the editor"]
    assert path.read_bytes() == b"saved by the editor + generated"


def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"x")
    path.chmod(0o444)
    with pytest.raises(DocumentError, match="read-only"):
        files.rewrite(path, (tmp_path,), lambda old: b"y")
    with pytest.raises(DocumentError):
        files.append(path, (tmp_path,), b"y")
    assert path.read_bytes() == b"x"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DocumentError, match="No space"):
        files.rewrite(path, (tmp_path,), lambda old: b"new")
    with pytest.raises(DocumentError, match="space"):
        files.append(path, (tmp_path,), b"half an entry")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.md"]


def _append(folder: str, mark: str) -> None:
    path = Path(folder) / "log.md"
    for number in range(25):
        with files.locked(Path(folder) / "lock"):
            files.append(path, (Path(folder),), f"{mark}{number}\n".encode())


def test_two_processes_append_whole_entries(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(str(tmp_path), mark)) for mark in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lines = (tmp_path / "log.md").read_text().splitlines()
    assert sorted(lines) == sorted(f"{mark}{number}" for mark in "ab" for number in range(25))
