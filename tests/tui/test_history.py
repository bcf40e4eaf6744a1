"""The history: what is kept, in whose format, and with whom it is shared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.journal.lock import FileLock
from orchestrator.tui.history import History, Walk, decoded, encoded, normal

texts = st.text(st.one_of(st.characters(), st.sampled_from("\n\\ \r\x1b\u2028\x85\udc80")))


@given(st.lists(texts))
@example(["a\\", "b"])
@example(["a\\\nb\\\\", "\\"])
@example(["a\n\nb", "\n\\\n"])
def test_entries_survive_the_file(given_texts: list[str]) -> None:
    entries = [text for text in map(normal, given_texts) if text]
    assert decoded(encoded(entries)) == entries


@given(texts)
def test_any_file_can_be_read(text: str) -> None:
    for entry in decoded(text):
        assert entry == normal(entry) != ""


def test_kept_across_sessions_and_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "history"
    first = History(file)
    first.append("one")
    first.append("two\nlines [bold]")
    assert History(file).entries() == ["one", "two\nlines [bold]"] == first.entries()
    assert file.stat().st_mode & 0o777 == 0o600


def test_left_out_as_shells_do(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    for text in (" secret", "", "  \n", "same", "same", "x" * 200_000):
        history.append(text)
    assert history.entries() == ["same"]


def test_what_others_add_is_seen(tmp_path: Path) -> None:
    mine, theirs = History(tmp_path / "history"), History(tmp_path / "history")
    mine.append("mine")
    theirs.append("theirs")
    assert mine.entries() == ["mine", "theirs"]


def test_a_last_line_without_newline_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("cut off")
    History(tmp_path / "history").append("next")
    assert History(tmp_path / "history").entries() == ["cut off", "next"]


def test_the_oldest_go_when_there_are_many(tmp_path: Path) -> None:
    history = History(tmp_path / "history", limit=10)
    for n in range(300):
        history.append(f"prompt {n}")
    assert history.entries() == [f"prompt {n}" for n in range(290, 300)]
    assert len((tmp_path / "history").read_text().splitlines()) <= 211
    assert (tmp_path / "history").stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    history = History(tmp_path / "history")
    history.append("still there")
    assert history.entries() == ["still there"]
    assert history.search("still") == ["still there"]


def test_search_is_newest_first_and_each_once(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    for text in ("run Tests", "fix it", "run tests again", "fix it"):
        history.append(text)
    assert history.search("") == ["fix it", "run tests again", "run Tests"]
    assert history.search("tests") == ["run tests again", "run Tests"]
    assert history.search("Tests") == ["run Tests"]


def test_nothing_is_written_while_another_process_trims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.tui.history._LOCK_S", 0.01)
    history = History(tmp_path / "history")
    history.append("before")
    with FileLock(tmp_path / "history.lock"):
        history.append("meanwhile")
    assert (tmp_path / "history").read_text() == "before\n"
    assert history.entries() == ["before", "meanwhile"]


APPENDS = """
import sys
from pathlib import Path
from orchestrator.tui.history import History
history = History(Path(sys.argv[1]))
for n in range(40):
    history.append(f"{sys.argv[2]} {n}\\nsecond line")
"""


def test_processes_lose_none_of_each_others(tmp_path: Path) -> None:
    file = tmp_path / "history"
    writers = [subprocess.Popen([sys.executable, "-c", APPENDS, str(file), name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    expected = {f"{name} {n}\nsecond line" for name in "abc" for n in range(40)}
    entries = History(file).entries()
    assert set(entries) == expected
    assert len(entries) == len(expected)


READLINE = """
import readline, sys
readline.read_history_file(sys.argv[1])
readline.add_history("from the plain session \\\\")
readline.add_history("and on")
readline.write_history_file(sys.argv[1])
"""


def test_readline_reads_it_and_writes_it_back(tmp_path: Path) -> None:
    readline = pytest.importorskip("readline")
    if "libedit" in (readline.__doc__ or ""):
        pytest.skip("libedit has a format of its own")
    history = History(tmp_path / "history")
    for text in ("one", "two\nlines", "back\\slash \\", "# no date"):
        history.append(text)
    subprocess.run([sys.executable, "-c", READLINE, str(tmp_path / "history")], check=True)
    assert history.entries() == [
        *("one", "two\nlines", "back\\slash \\", "# no date"),
        "from the plain session \nand on",
    ]


def test_a_walk_goes_back_and_forth_and_ends_at_the_draft() -> None:
    walk = Walk(["one", "two", "two"], "draft")
    assert [walk.back() for _ in range(3)] == ["two", "one", None]
    assert [walk.forth() for _ in range(3)] == ["two", "draft", None]
