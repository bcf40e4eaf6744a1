"""The text of people travels; what was generated stays each device's own; the log is the same on both."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.documents.human_text import human_text, says_nothing, with_human_text
from orchestrator.handoff.pen import Pencil
from orchestrator.handoff.writer import ProjectDocuments
from orchestrator.journal.versions import versions
from orchestrator.paths import Home
from orchestrator.sync.exchange import exchange
from orchestrator.types import Entry
from orchestrator.workspaces import Project
from tests.sync.nodes import Node, Wire

P = "11111111-2222-3333-4444-555555555555"


class Device:
    def __init__(self, root: Path, name: str) -> None:
        self.node = Node(root, name)
        self.root = root / name / "heron"
        (self.root / ".orchestrator").mkdir(parents=True)
        project = Project(P, self.root, "heron", True)
        self.told: list[str] = []
        self.documents = ProjectDocuments(project, self.node.journal, Home(root / name), self.told.append)

    def sync(self, hub: Node) -> list[str]:
        self.documents.human.keep()
        exchange(self.node.engine, Wire(hub, None))
        return self.documents.catch_up()

    def session(self, name: str, said: str) -> None:
        journal = self.node.journal
        journal.append([Entry("session", {"event": "start"}, P, name)])
        journal.append([Entry("message", {"role": "user", "text": said}, P, name)])
        self.node.clock.now += 60_000
        journal.append([Entry("session", {"event": "end", "reason": "done"}, P, name)])
        self.documents.close_session(name, "done")

    def text(self, name: str = "PROJECT_CONTEXT.md") -> str:
        return (self.root / name).read_text()

    def write(self, text: str) -> None:
        (self.root / "PROJECT_CONTEXT.md").write_text(text)


@pytest.fixture
def devices(tmp_path: Path) -> tuple[Device, Device, Node]:
    return Device(tmp_path, "a"), Device(tmp_path, "b"), Node(tmp_path, "hub")


def test_text_travels_and_regions_stay(devices: tuple[Device, Device, Node]) -> None:
    a, b, hub = devices
    region = "<!-- orch:begin facts -->\n{}<!-- orch:end -->\n"
    a.write("# Heron\n\n" + region.format("of a\n") + "\nWhy: by the second.\n")
    b.write("# Heron\n\n" + region.format("of b\n"))
    a.sync(hub)
    assert "PROJECT_CONTEXT.md" in b.sync(hub)
    assert b.text() == "# Heron\n\n" + region.format("of b\n") + "\nWhy: by the second.\n"
    b.write(b.text() + "And by b.\n")
    b.sync(hub)
    a.sync(hub)
    assert a.text().endswith("Why: by the second.\nAnd by b.\n")
    assert "of a" in a.text()
    count = len(a.node.records())
    for device in (a, b, a):
        assert device.sync(hub) == []
    assert len(a.node.records()) == count


def test_two_edits_are_a_conflict_on_both_and_the_winner_is_one(devices: tuple[Device, Device, Node]) -> None:
    a, b, hub = devices
    a.write("# Heron\none\n")
    a.sync(hub)
    b.sync(hub)
    a.write("# Heron\nby a\n")
    b.write("# Heron\nby b\n")
    for device in (a, b, a):
        device.sync(hub)
    assert a.text() == b.text()
    held = versions(a.node.journal, P)
    assert held == versions(b.node.journal, P)
    assert held[0].conflict


def test_an_edit_during_the_sync_is_not_overwritten(devices: tuple[Device, Device, Node]) -> None:
    a, b, hub = devices
    a.write("# Heron\none\n")
    a.sync(hub)
    b.sync(hub)
    a.write("# Heron\ntwo\n")
    a.sync(hub)
    exchange(b.node.engine, Wire(hub, None))
    b.write("# Heron\nmine\n")
    b.documents.catch_up()
    assert b.text() == "# Heron\nmine\n"
    b.sync(hub)
    assert versions(b.node.journal, P)[0].conflict


def test_a_secret_stays_and_is_told(devices: tuple[Device, Device, Node]) -> None:
    a, _, _ = devices
    a.write("# Heron\nkey AKIAIOSFODNN7EXAMPLQ ghp_" + "a1B2" * 9 + "\n")
    assert a.documents.human.keep() == 0
    assert "secret" in a.told[0]


def test_the_logs_become_equal_in_the_order_of_time(devices: tuple[Device, Device, Node]) -> None:
    a, b, hub = devices
    a.session("aaaa1", "first")
    b.node.clock.now = a.node.clock.now + 1
    b.session("bbbb1", "second")
    a.node.clock.now = b.node.clock.now + 1
    a.session("cccc2", "third")
    for device in (a, b, a):
        device.sync(hub)
    log = a.text("SESSION_LOG.md")
    assert log == b.text("SESSION_LOG.md")
    assert log.index("first") < log.index("second") < log.index("third")
    assert log.count("<!-- orch:session") == 3
    assert a.text("SESSION_BRIEFING.md") == b.text("SESSION_BRIEFING.md")


@given(st.text(alphabet="a \n#\r", max_size=30), st.text(alphabet="b \n#", max_size=30))
def test_what_people_wrote_comes_out_as_it_went_in(old: str, new: str) -> None:
    region = "<!-- orch:begin x -->\ngenerated\n<!-- orch:end -->\n"
    document = f"{old}\n{region}".encode()
    text = human_text(f"{new}\n{region}".encode())
    made = with_human_text(document, text)
    assert human_text(made) == text
    assert made.count(b"generated") == 1
    assert says_nothing(human_text(region.encode()))


def test_what_people_wrote_is_recorded_whenever_the_briefing_is_brought_up_to_date_and_never_by_a_look(
    devices: tuple[Device, Device, Node],
) -> None:
    a, _, _ = devices

    def recorded() -> list[str]:
        return [str(one.body and one.body["text"]) for one in a.node.records() if one.kind == "doc"]

    a.write("# Heron\n\nfirst\n")
    pencil = Pencil()
    project = Project(P, a.root, "heron", True)
    ProjectDocuments(project, a.node.journal, a.node.home, a.told.append, pen=pencil).refresh()
    assert recorded() == []
    a.documents.refresh()  # as a session does at its start, and `orch handoff`
    a.write("# Heron\n\nsecond\n")
    a.documents.refresh()
    assert recorded() == ["# Heron\n\nfirst\n", "# Heron\n\nsecond\n"]
    assert [one.conflict for one in versions(a.node.journal, P)] == [False]
