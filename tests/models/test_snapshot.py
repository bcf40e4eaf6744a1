import os
import subprocess
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import durable
from orchestrator.models import snapshot_about
from orchestrator.models.snapshot import SnapshotStore, common_prefix, owner_name, space
from orchestrator.types import EVERYBODY, Owner

IDS = st.lists(st.integers(0, 3), max_size=40)


def save(
    store: SnapshotStore, ids: Sequence[int], size: int = 100, space: str = "s", owner: Owner = EVERYBODY
) -> bool:
    def write(path: Path) -> bool:
        path.write_bytes(bytes(size))
        return True

    saved = store.save(space, owner, ids, size, write)
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
    assert not [path for path in store.folder.glob("*/*") if path.suffix in (".kv", ".ids")]


def test_the_oldest_use_goes_first(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, 250)
    for age, ids in ((300, [1]), (200, [2])):
        save(store, ids)
        (path,) = (p for p in tmp_path.glob("*/*.kv") if p.stat().st_mtime > 1e9)
        os.utime(path, (1e9 - age, 1e9 - age))
    first = store.best("s", [1])
    assert first is not None
    store.used(first)  # now: the other one is the oldest
    save(store, [3])
    assert store.best("s", [1])
    assert store.best("s", [3])
    assert store.best("s", [2]) is None


def test_larger_than_the_limit_is_not_saved(tmp_path: Path) -> None:
    assert not save(SnapshotStore(tmp_path, 50), [1, 2])
    assert not list(tmp_path.glob("*/*"))


def test_a_failed_write_leaves_nothing(store: SnapshotStore) -> None:
    assert not store.save("s", Owner(), [1, 2], 10, lambda path: False)
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


def test_a_project_has_one_snapshot_and_a_newer_one_takes_its_place(store: SnapshotStore) -> None:
    heron, wren = Owner("heron"), Owner("wren")
    save(store, [1, 2, 3], owner=heron)
    save(store, [1, 2, 9], owner=wren)
    save(store, [1, 2, 4, 5], owner=heron)
    asked = ([1, 2, 3], [1, 2, 4, 5], [1, 2, 9])
    assert {found.ids for ids in asked if (found := store.best("s", ids))} == {(1, 2, 4, 5), (1, 2, 9)}
    assert len(list(store.folder.glob("*/*.kv"))) == 2


def test_what_the_owner_s_snapshot_shares_is_found(store: SnapshotStore) -> None:
    save(store, [1, 2])
    save(store, [1, 2, 3, 4, 5], owner=Owner("heron"))
    found = store.best("s", [1, 2, 3, 4, 9, 9], marks=[2], owner=Owner("heron"))
    assert found is not None
    assert found.shared == 4
    other = store.best("s", [1, 2, 3, 4, 9, 9], marks=[2], owner=Owner("wren"))
    assert other is not None
    assert (other.ids, other.shared) == ((1, 2), 2)


def test_a_start_looks_at_its_own_and_the_base_however_many_others_there_are(
    store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, [1, 2])
    for number in range(200):
        save(store, [1, 2, number], owner=Owner(f"p{number}"), size=1)
    read: list[str] = []
    whole = durable.read

    def counting(path: Path, limit: int = -1) -> bytes:
        read.append(path.name)
        return whole(path, limit)

    monkeypatch.setattr(durable, "read", counting)
    found = store.best("s", [1, 2, 7, 8], marks=[2], owner=Owner("p7"))
    assert found is not None
    assert found.ids == (1, 2, 7)
    assert len(read) == 2


@pytest.mark.parametrize("project", ["../../etc", "a.b", "x" * 500, "ünï", "*"])
def test_any_project_s_id_is_a_plain_name(store: SnapshotStore, project: str) -> None:
    save(store, [1, 2, 3], owner=Owner(project))
    (path,) = store.folder.glob("s/*.kv")
    assert path.name.startswith(owner_name(project))
    found = store.best("s", [1, 2, 3], owner=Owner(project))
    assert found is not None
    assert found.ids == (1, 2, 3)


def test_hits_and_names_are_kept_beside_and_outlive_a_newer_version(store: SnapshotStore) -> None:
    store.model, heron = "m", Owner("heron", "/code/heron")
    save(store, [1, 2, 3], owner=heron)
    found = store.best("s", [1, 2, 3])
    assert found is not None
    store.used(found)
    store.used(found)
    save(store, [1, 2, 4], owner=heron)
    (kept,) = snapshot_about.listing(store.folder)
    assert (kept.name, kept.project, kept.tokens, kept.hits) == ("m/heron", "/code/heron", 3, 2)
    assert kept.bytes > 100
    snapshot_about.remove(kept)
    assert not list(store.folder.glob("*/*"))
    assert snapshot_about.listing(store.folder) == []


def test_two_of_one_name_can_be_told_apart(store: SnapshotStore) -> None:
    store.model = "m"
    for number, path in enumerate(("/x/heron", "/y/heron")):
        save(store, [1, number], owner=Owner(path, path))
    assert {kept.name for kept in snapshot_about.listing(store.folder)} == {"m/heron", "m/heron#2"}


@pytest.mark.parametrize("about", [b"", b"{", b"[]", b'{"hits": "many", "model": 5}'])
def test_damaged_notes_cost_the_notes_only(store: SnapshotStore, about: bytes) -> None:
    save(store, [1, 2, 3])
    (store.folder / "s" / "base.json").write_bytes(about)
    found = store.best("s", [1, 2, 3])
    assert found is not None
    store.used(found)
    (kept,) = snapshot_about.listing(store.folder)
    assert kept.hits == 1


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("step", ["write", "sync", "ids", "kv"])
def test_a_process_killed_in_mid_save_leaves_what_was_there(store: SnapshotStore, step: str) -> None:
    """Killed while llama.cpp writes, before the sync, and before and after the first rename."""
    save(store, [1, 2, 3], owner=Owner("p"))
    code = f"""
import os, signal
from pathlib import Path
from orchestrator.models import snapshot
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
step, replace = {step!r}, os.replace
def renamed(source, target):
    if step == "ids" or (step == "kv" and str(target).endswith(".kv")): die()
    replace(source, target)
snapshot.os.replace = renamed
if step == "sync": snapshot._sync = die
def write(path):
    path.write_bytes(b"half")
    if step == "write": die()
    path.write_bytes(bytes(100))
    return True
store = snapshot.SnapshotStore(Path({str(store.folder)!r}), 10**6)
store.save("s", snapshot.Owner("p"), [1, 2, 4, 4], 100, write)
store.wait()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -9
    again = SnapshotStore(store.folder, 10**6)
    found = again.best("s", [1, 2, 4, 4], owner=Owner("p"))
    assert found is not None
    assert (found.ids, found.shared) == ((1, 2, 3), 2)
    assert again.whole(found)
    assert save(again, [1, 2, 4, 4], owner=Owner("p"))
    found = again.best("s", [1, 2, 4, 4])
    assert found is not None
    assert found.shared == 4
    assert again.whole(found)
