import os
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.snapshot import SnapshotStore, common_prefix, space

IDS = st.lists(st.integers(0, 3), max_size=40)


def save(store: SnapshotStore, ids: Sequence[int], size: int = 100, space: str = "s") -> bool:
    def write(path: Path) -> bool:
        path.write_bytes(bytes(size))
        return True

    saved = store.save(space, ids, size, write)
    store.wait()
    return saved


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots", 1_000_000)


@given(IDS, IDS)
def test_common_prefix(a: list[int], b: list[int]) -> None:
    shared = common_prefix(a, b)
    assert a[:shared] == b[:shared]
    assert shared == min(len(a), len(b)) or a[shared] != b[shared]


def test_what_was_saved_is_found(store: SnapshotStore) -> None:
    assert save(store, [1, 2, 3])
    found = store.best("s", [1, 2, 3, 4], marks=[3])
    assert found is not None
    assert (found.ids, found.shared) == ((1, 2, 3), 3)
    assert store.whole(found)
    assert store.best("another model", [1, 2, 3, 4], marks=[3]) is None


def test_the_longest_common_prefix_wins_where_none_is_exact(store: SnapshotStore) -> None:
    for ids in ([1, 2], [1, 2, 3, 4, 9, 9], [7, 7, 7]):
        save(store, ids)
    found = store.best("s", [1, 2, 3, 4, 5], marks=[5])
    assert found is not None
    assert (found.ids, found.shared) == ((1, 2, 3, 4, 9, 9), 4)
    assert store.best("s", [5, 6]) is None


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_damage_is_noticed(store: SnapshotStore, damage: str) -> None:
    save(store, [1, 2, 3])
    found = store.best("s", [1, 2, 3])
    assert found is not None
    match damage:
        case "flip":
            found.path.write_bytes(bytes(99) + b"x")
        case "cut":
            os.truncate(found.path, 50)
        case "gone":
            found.path.unlink()
    assert not store.whole(found)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 500])
def test_a_damaged_index_is_dropped_with_its_snapshot(store: SnapshotStore, content: bytes) -> None:
    save(store, [1, 2, 3])
    (ids,) = store.folder.glob("*/*.ids")
    ids.write_bytes(content)
    assert store.best("s", [1, 2, 3], marks=[3]) is None
    assert not list(store.folder.glob("*/*"))


def test_the_oldest_use_goes_first(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, 250)
    for age, ids in ((300, [1]), (200, [2])):
        save(store, ids)
        (path,) = (p for p in tmp_path.glob("*/*.kv") if p.stat().st_mtime > 1e9)
        os.utime(path, (1e9 - age, 1e9 - age))
    first = store.best("s", [1])
    assert first is not None
    assert store.whole(first)  # used now: the other one is the oldest
    save(store, [3])
    assert store.best("s", [1])
    assert store.best("s", [3])
    assert store.best("s", [2]) is None


def test_larger_than_the_limit_is_not_saved(tmp_path: Path) -> None:
    assert not save(SnapshotStore(tmp_path, 50), [1, 2])
    assert not list(tmp_path.glob("*/*"))


def test_a_failed_write_leaves_nothing(store: SnapshotStore) -> None:
    assert not store.save("s", [1, 2], 10, lambda path: False)
    assert not list(store.folder.glob("*/*"))


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SnapshotStore(tmp_path / "file", 1000)
    assert not save(store, [1, 2])
    assert store.best("s", [1, 2], marks=[2]) is None


def test_left_over_temporary_files_go_when_old(store: SnapshotStore) -> None:
    save(store, [1])
    old, new = store.folder / "s" / "tmp-old", store.folder / "s" / "tmp-new"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (1e9, 1e9))
    save(store, [2])
    assert not old.exists()
    assert new.exists()


def test_only_the_owner_may_read(store: SnapshotStore) -> None:
    save(store, array("i", [1, 2]))
    assert {path.stat().st_mode & 0o077 for path in store.folder.glob("*/*")} == {0}


def test_the_space_depends_on_every_part() -> None:
    assert space("model", 1) == space("model", 1)
    assert space("model", 1) != space("model", 2)
