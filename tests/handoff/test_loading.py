"""What of the documents reaches the prompt: lines that hold, byte for byte."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.tiers import KnownTiers
from orchestrator.config import ContextSettings
from orchestrator.context.budget import FittedTier
from orchestrator.documents.tiers import read_tiers
from orchestrator.handoff.writer import ProjectTiers
from orchestrator.models.scripted import ScriptedBackend
from orchestrator.types import LeftOut, TierText
from tests.handoff.conftest import Scene
from tests.handoff.test_verify import worked


def raw(scene: Scene) -> dict[str, str]:
    return {tier.name: tier.text for tier in read_tiers(scene.project.root, None)}


def loaded(scene: Scene) -> dict[str, TierText]:
    """As a session, and as warming, which has no journal open, reads them."""
    session = scene.documents.tiers()
    assert session == ProjectTiers(scene.project, scene.home).tiers()
    return {tier.name: tier for tier in session}


def left(scene: Scene, name: str) -> list[tuple[str, str]]:
    return [(one.what, one.why) for one in loaded(scene)[name].left_out]


def test_documents_that_hold_are_read_byte_for_byte(scene: Scene) -> None:
    worked(scene)
    read = loaded(scene)
    assert read["briefing"].text == raw(scene)["briefing"]
    assert not read["briefing"].left_out
    superseded = "- SQLite: simple [#3, confirmed]\n"
    assert read["log"].text == raw(scene)["log"].replace(superseded, "")
    assert left(scene, "log") == [("1 stale line [S7f3a#3]", "superseded by S7f3a#4")]


def steady(text: str) -> list[str]:
    """The lines but those that say what git does not hold yet."""
    return [line for line in text.splitlines() if "git status]" not in line and "orch:" not in line]


def test_a_line_whose_file_is_gone_stays_out_and_is_flagged_at_the_next_regeneration(scene: Scene) -> None:
    worked(scene)
    made = raw(scene)
    (scene.project.root / "quota.py").rename(scene.project.root / "limit.py")
    gone = ("S8b00#8, git status", "S8b00#8")
    assert left(scene, "briefing") == [(f"1 stale line [{cites}]", "`quota.py` is gone") for cites in gone]
    briefing = loaded(scene)["briefing"].text
    told = made["briefing"].replace("- Changed `quota.py` [S8b00#8, verified]\n", "")
    assert briefing == told.replace("- Uncommitted: `quota.py` [S8b00#8, git status]\n", "")
    in_log = {what for what, why in left(scene, "log") if why == "`quota.py` is gone"}
    assert in_log == {"1 stale line [S7f3a#13]", "1 stale line [S8b00#8]"}  # one of each session
    scene.documents.refresh()
    assert "- Changed `quota.py` [S8b00#8, stale: `quota.py` is gone]" in scene.briefing
    again = loaded(scene)["briefing"].text
    assert steady(again) == steady(briefing)  # the same prompt, flagged or not
    (scene.project.root / "limit.py").rename(scene.project.root / "quota.py")
    scene.documents.refresh()
    assert "Changed `quota.py` [S8b00#8, verified]" in loaded(scene)["briefing"].text


def test_superseded_decisions_forgotten_words_and_lost_commits_stay_out_of_the_log_too(scene: Scene) -> None:
    worked(scene)
    decision = next(note for note in scene.journal.live_notes(scene.project.id) if note.kind == "decision")
    scene.note("decision", "DuckDB", supersedes=decision.id)
    shown = loaded(scene)["log"].text
    assert "PostgreSQL: SQLite locks" not in shown
    assert "1 stale line [S7f3a#4]" in [said for said, _ in left(scene, "log")]
    assert "PostgreSQL: SQLite locks" in raw(scene)["log"]  # the log is only ever added to
    assert "`pytest -q`: 1 failed" in shown  # dated: a later run does not make it untrue
    scene.shell("pytest -q", 0)
    assert "`pytest -q`: 1 failed" in loaded(scene)["log"].text


def test_a_file_with_a_strange_name_is_flagged_readably(scene: Scene) -> None:
    scene.start()
    scene.ask("x")
    scene.tool("write", {"path": "a, b].py"}, changed=["a, b].py"])
    scene.end()
    assert "stale: `a_ b_.py` is gone]" in scene.briefing
    assert left(scene, "briefing") == [("1 stale line [S7f3a#4]", "`a_ b_.py` is gone")]
    assert not [one for one in scene.check() if not one.warning]


def test_what_people_wrote_is_never_left_out(scene: Scene) -> None:
    worked(scene)
    path = scene.project.root / "SESSION_BRIEFING.md"
    (scene.project.root / "quota.py").unlink()
    mine = "- Changed `quota.py` [S8b00#8, verified]\nMy own [gone.py]\n"
    path.write_text(
        mine + scene.briefing.replace("- Changed `quota.py` [", "- Changed `quota.py`, says Ines ["), "utf-8"
    )
    text = loaded(scene)["briefing"].text
    assert text.startswith(mine)
    assert "says Ines" in text
    path.write_text(scene.briefing.replace(", says Ines", "").replace("## Lessons", "## My lessons"), "utf-8")
    text = loaded(scene)["briefing"].text  # the region was edited elsewhere: this line is ours, word for word
    assert text.count("Changed `quota.py`") == 1
    assert "## My lessons" in text
    log = scene.project.root / "SESSION_LOG.md"
    log.write_text(scene.log.replace("changed `quota.py`: +2", "Ines changed `quota.py`: +2"), "utf-8")
    assert "Ines changed `quota.py`: +2" in loaded(scene)["log"].text


def test_a_prompt_stays_as_it_is_while_its_session_lasts(scene: Scene) -> None:
    worked(scene)
    documents = scene.documents
    before = documents.tiers()
    (scene.project.root / "quota.py").unlink()
    assert documents.tiers() == before
    documents.refresh()
    assert documents.tiers() != before


def test_the_window_says_what_was_left_out(scene: Scene) -> None:
    worked(scene)
    (scene.project.root / "quota.py").unlink()
    fitted = asyncio.run(KnownTiers(scene.documents).read(ScriptedBackend([]), ContextSettings()))
    of: dict[str, FittedTier] = {tier.source.name: tier for tier in fitted}
    expected = LeftOut("briefing", "1 stale line [S8b00#8]", "`quota.py` is gone")
    assert expected in of["briefing"].left_out


def test_a_repository_that_cannot_be_read_costs_a_warning_and_no_line(scene: Scene) -> None:
    worked(scene)
    (scene.project.root / ".git/config").write_text("[core\n", encoding="utf-8")
    documents = scene.documents
    assert {tier.name: tier.text for tier in documents.tiers()} == raw(scene)
    assert "could not be checked" in scene.warnings[-1]
    documents.refresh()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300), st.booleans())
def test_hostile_documents_are_read_as_they_are(tmp_path_factory: object, text: str, inside: bool) -> None:
    from orchestrator.handoff import loading
    from orchestrator.handoff.stale import Sources
    from orchestrator.handoff.templates import Templates
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home

    with SqliteJournal.open(home()) as journal:
        body = f"<!-- orch:begin x -->\n{text}\n<!-- orch:end -->" if inside else text
        tier = TierText(3, "briefing", "/nowhere/SESSION_BRIEFING.md", body)
        (found,) = loading.fresh([tier], Sources(journal, "p", Path("/nowhere")), "p", Templates())
        assert found == tier  # nothing of it is known, so nothing is known to be stale
