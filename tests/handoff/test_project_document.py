"""PROJECT_CONTEXT.md of whole repositories. The expected documents are renewed with `--snapshot-update`,
and read by a person before they are committed."""

import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from orchestrator.documents import citations
from orchestrator.handoff import history
from orchestrator.handoff.survey import CHARS, LEAST_CHARS, fitted, survey
from orchestrator.handoff.templates import PROJECT, Templates
from orchestrator.vcs import Repository
from tests.handoff.repositories import KINDS, commit, git, python_library


class Markdown(SingleFileSnapshotExtension):
    _file_extension = "md"
    _write_mode = WriteMode.TEXT


def document(root: Path, chars: int = CHARS) -> str:
    found = survey(root, root.name, Repository.find(root))
    return Templates().render(PROJECT, {"p": fitted(found, chars)})


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_of_a_repository(kind: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    KINDS[kind](tmp_path / kind)
    text = document(tmp_path / kind)
    assert text == snapshot(extension_class=Markdown)
    facts = [line for line in citations.generated(text) if line.text.startswith("- ")]
    assert facts
    assert all(line.evidence for line in facts), "every line says what it rests on"
    for line in facts:
        for place in line.evidence.places:
            source = tmp_path / kind / place.path
            assert place.line <= len(source.read_text().splitlines())
    assert "secret.example" not in text


def test_what_does_not_fit_is_said_and_the_rest_stays(tmp_path: Path) -> None:
    python_library(tmp_path / "heron")
    whole, short = document(tmp_path / "heron"), document(tmp_path / "heron", 1000)
    assert "Left out" not in whole
    assert len(short) < len(whole)
    assert set(short.splitlines()) - set(whole.splitlines()) == {
        line for line in short.splitlines() if line.startswith("Left out for space: ")
    }
    said = re.search(r"Left out for space: (.*)\.", short)
    assert said
    lost = sum(int(number) for number in re.findall(r"\d+", said[1]))
    assert lost == whole.count("\n- ") - short.count("\n- ")
    assert "`make test`" in short


def test_a_huge_repository_stays_within_its_share(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        f"part{n}/README.md": f"# Part\n\nWhat part {n} does is long to tell. {'x ' * 90}\n"
        for n in range(60)
    }
    files |= {f"part{n}/a.py": "x = 1\n" for n in range(60)}
    files["Makefile"] = "".join(f"target{n}:\n\trun {'y' * 70}\n" for n in range(50))
    commit(tmp_path, files, "All", 1)
    for chars in (LEAST_CHARS, CHARS):
        assert len(document(tmp_path, chars)) < chars + 400  # its title and the note below


def test_only_new_commits_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "WINDOW", 2)
    for day in range(1, 6):
        commit(tmp_path, {"a.py": f"{day}\n"}, f"Change {day}", day, f"Author {day}")
    repository = Repository.find(tmp_path)
    assert repository
    asked: list[tuple[str, ...]] = []
    query = repository.query
    monkeypatch.setattr(repository, "query", lambda *args: asked.append(args) or query(*args))
    kept = tmp_path / ".git" / "kept.json"
    past = history.past(repository, kept)
    assert past
    assert (past.commits, past.first, past.authors, past.window) == (5, "2026-03-01", 2, 2)
    commit(tmp_path, {"a.py": "6\n"}, "Change 6", 6)
    asked.clear()
    past = history.past(repository, kept)
    assert past
    assert (past.commits, past.first) == (6, "2026-03-01")
    counted = [args for args in asked if args[0] == "rev-list"]
    assert len(counted) == 1
    assert ".." in counted[0][2]
    asked.clear()
    assert history.past(repository, kept) == past
    assert not [args for args in asked if args[0] == "rev-list"]
    # history that was written anew is counted anew
    git(tmp_path, "reset", "-q", "--hard", "HEAD~3")
    commit(tmp_path, {"a.py": "7\n"}, "Change 7", 7)
    past = history.past(repository, kept)
    assert past
    assert past.commits == 4
    kept.write_text('{"head": "x", "commits": -1}')
    assert (history.past(repository, kept) or past).commits == 4


def test_a_folder_inside_a_repository_has_its_own_past(tmp_path: Path) -> None:
    commit(tmp_path, {"a.py": "1\n"}, "Elsewhere", 1)
    commit(tmp_path, {"part/b.py": "1\n"}, "Here", 2)
    text = document(tmp_path / "part")
    assert "Here" in text
    assert "Elsewhere" not in text
    assert "Python (1 file, 1 line)" in text
    commit(tmp_path, {".gitignore": "new/\n", "new/c.py": "1\n"}, "Ignored", 3)
    assert "counted in 1 file]" in document(tmp_path / "new")
