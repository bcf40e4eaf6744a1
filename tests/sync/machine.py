"""Anything may happen to three devices, a relay and a hub; then they sync in peace, and all is well.

Every rule acts on the real engine and real SQLite. What must always hold is asserted after each step, what
must hold once everybody has spoken with everybody at the end.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from orchestrator.errors import SyncError
from orchestrator.journal import intake, store
from orchestrator.journal.canonical import record_line
from orchestrator.sync.engine import PageSize, SyncEngine
from orchestrator.sync.exchange import exchange
from orchestrator.sync.wire import Page
from orchestrator.types import Record
from tests.sync.nodes import BASE_MS, FAULTS, SMALL, Lots, Node, Wire, folder

SKEW_MS = 10 * 60 * 1000
PROJECTS = ("p1", "p2")
DOCUMENTS = ("PROJECT_CONTEXT.md", "SESSION_BRIEFING.md")

which = st.integers(0, 5)
faults = st.lists(st.sampled_from(FAULTS), max_size=4)
fuses = st.integers(1, 60)


class Sync(RuleBasedStateMachine):
    engine: type[SyncEngine] = SyncEngine

    @initialize()
    def begin(self) -> None:
        self.root = folder()
        self.lots = Lots()
        for module in (store, intake):
            module.secrets = self.lots  # type: ignore[assignment]
        self.now = BASE_MS
        self.count = 0
        devices = [self.make(name) for name in ("desktop", "laptop")]
        # This one was given one project only.
        self.nodes = [*devices, self.make("phone", ("p1",)), self.make("relay"), self.make("hub")]
        self.expected: dict[str, Record] = {}
        self.redacted: dict[str, str] = {}
        self.delayed: list[tuple[str, Page]] = []
        self.backup: tuple[str, set[str]] | None = None

    def make(self, name: str, streams: tuple[str, ...] | None = None) -> Node:
        node = Node(self.root, name, streams, self.engine)
        if name != "clone":
            node.connection.execute("UPDATE meta SET value = ? WHERE key = 'dev'", (self.lots.token_hex(16),))
        return node

    def node(self, number: int) -> Node:
        return self.nodes[number % len(self.nodes)]

    # --- what people do -------------------------------------------------------------------------

    @rule(number=which, project=st.sampled_from(PROJECTS), private=st.booleans(), count=st.integers(1, 4))
    def write(self, number: int, project: str, private: bool, count: int) -> None:
        node = self.node(number)
        project = project if node.streams is None else "p1"
        for _ in range(count):
            seen = self.seen(node)
            record = node.append("note", self.text(), project, private=private)
            assert record.ts > seen, "behind what it had seen"
            self.keep(node, record)

    @rule(number=which, name=st.sampled_from(DOCUMENTS))
    def edit(self, number: int, name: str) -> None:
        """The human text of a document, from the version that holds here."""
        node = self.node(number)
        held = next((one for one in node.judged("p1") if one.entity == name), None)
        parents = [held.winner] if held and held.winner else []
        record = node.append(
            "doc", self.text(), "p1", entity=name, parents=tuple(leaf.id for leaf in parents)
        )
        assert all(record.ts > leaf.ts for leaf in parents), "an edit does not beat what it was made from"
        self.keep(node, record)

    @rule(number=which, name=st.sampled_from(DOCUMENTS))
    def resolve(self, number: int, name: str) -> None:
        node = self.node(number)
        for held in node.judged("p1"):
            if held.entity == name and held.conflict:
                parents = tuple(leaf.id for leaf in held.leaves)
                self.keep(node, node.append("doc", self.text(), "p1", entity=name, parents=parents))
                assert not any(one.conflict for one in node.judged("p1") if one.entity == name)

    @rule(number=which, choice=st.integers(0, 1000))
    def redact(self, number: int, choice: int) -> None:
        node = self.node(number)
        said = [one for one in node.records() if one.body and one.kind in ("note", "doc")]
        if said:
            record = said[choice % len(said)]
            text = record.body["text"]  # type: ignore[index]
            for made in node.journal.redact([record]):
                self.keep(node, made)
            if record.stream != "private":
                self.redacted[text] = record.stream
            assert not node.holds(text)

    @rule(number=which, ms=st.integers(-SKEW_MS, SKEW_MS))
    def skew(self, number: int, ms: int) -> None:
        self.node(number).clock.now = self.now + ms

    @rule(number=which, other=which, name=st.sampled_from(DOCUMENTS))
    def a_clock_is_wrong(self, number: int, other: int, name: str) -> None:
        """What one wrote far in the future, another edits now."""
        node = self.node(number)
        node.clock.now = self.now + SKEW_MS
        self.edit(number, name)
        self.talk(node, self.node(other), [], PageSize())
        self.edit(other, name)

    @rule(ms=st.integers(1, 20 * 60 * 1000))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        for node in self.nodes:
            node.clock.now += ms

    # --- what goes wrong ------------------------------------------------------------------------

    @rule(client=which, server=which, wrong=faults, size=st.integers(1, 4))
    def sync(self, client: int, server: int, wrong: list[str], size: int) -> None:
        self.talk(self.node(client), self.node(server), wrong, PageSize(records=size))

    @rule(client=which, server=which, wrong=faults, fuse=fuses)
    def sync_and_crash(self, client: int, server: int, wrong: list[str], fuse: int) -> None:
        node = self.node(client)
        with node.crashing(fuse):
            self.talk(node, self.node(server), wrong, SMALL)
        node.check_contiguous()

    @rule(number=which, fuse=fuses)
    def write_and_crash(self, number: int, fuse: int) -> None:
        """Not acknowledged: it may be there or not."""
        node = self.node(number)
        with node.crashing(fuse):
            node.append("note", self.text(), "p1")

    @precondition(lambda self: self.delayed)
    @rule(choice=st.integers(0, 99))
    def a_late_page_arrives(self, choice: int) -> None:
        name, page = self.delayed[choice % len(self.delayed)]
        node = next(one for one in self.nodes if one.name == name)
        node.engine.receive(page, node.streams)
        node.check_contiguous()

    @rule(number=which)
    def back_up(self, number: int) -> None:
        node = self.node(number)
        node.copy_to(self.root / "backup")
        self.backup = node.name, set(node.private)

    @precondition(lambda self: self.backup)
    @rule()
    def restore(self) -> None:
        assert self.backup
        name, private = self.backup
        node = next(one for one in self.nodes if one.name == name)
        node.close()
        shutil.rmtree(node.home.root)
        shutil.copytree(self.root / "backup", node.home.root)
        node.open()
        node.private = set(private)
        somewhere = set().union(*(one.marks() for one in self.nodes))
        self.expected = {key: record for key, record in self.expected.items() if key in somewhere}
        gone = [one for one in self.redacted if not self.is_redacted_somewhere(one)]
        for text in gone:  # the redaction itself was on the lost disk only
            del self.redacted[text]

    @precondition(lambda self: len(self.nodes) < 6)
    @rule(number=which)
    def clone(self, number: int) -> None:
        node = self.node(number)
        node.copy_to(self.root / "clone")
        copy = self.make("clone", node.streams)
        copy.clock.now, copy.private = node.clock.now, set(node.private)
        self.nodes.append(copy)

    # --- helpers --------------------------------------------------------------------------------

    def text(self) -> str:
        self.count += 1
        return f"said{self.count:05}x"

    def keep(self, node: Node, record: Record) -> None:
        if record.stream == "private":
            node.private.add(record.id)
        else:
            self.expected[record.id] = record

    def seen(self, node: Node) -> tuple[int, int]:
        """The newest timestamp here that neither came from a clock far ahead nor answers one that did."""
        query = (
            "SELECT ts_ms, ts_ctr FROM records WHERE ts_ctr % 2 = 0 AND id NOT IN"
            " (SELECT id FROM clock_suspects) ORDER BY ts_ms DESC, ts_ctr DESC LIMIT 1"
        )
        row = node.connection.execute(query).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def talk(self, client: Node, server: Node, wrong: list[str], size: PageSize) -> None:
        if client is server:
            return
        allowed = client.streams or server.streams
        wire = Wire(server, allowed, wrong, lambda node, page: self.delayed.append((node.name, page)), size)
        with contextlib.suppress(SyncError):
            exchange(client.engine, wire, allowed, size=size)
        for node in (client, server):
            node.check_contiguous()
            private = {one.id for one in node.records() if one.stream == "private" and one.kind != "redact"}
            assert private <= node.private, "a private record left its device"
            assert node.streams is None or {one.stream for one in node.shared().values()} <= {*node.streams}

    def is_redacted_somewhere(self, text: str) -> bool:
        return not any(
            one.body and one.body.get("text") == text for node in self.nodes for one in node.records()
        )

    # --- in the end -----------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "nodes"):
            return
        try:
            self.settle()
            for node in self.nodes:
                self.check(node)
        finally:
            for module in (store, intake):
                module.secrets = secrets
            for node in self.nodes:
                node.close()
            shutil.rmtree(self.root)

    def settle(self) -> None:
        """Everybody syncs with the hub until nothing moves."""
        hub = self.nodes[4]
        for _ in range(8):
            moved = 0
            for node in self.nodes:
                if node is not hub:
                    allowed = node.streams
                    done = exchange(node.engine, Wire(hub, allowed, size=PageSize()), allowed)
                    assert not done.rejected_here, done.rejected_here
                    assert not done.rejected_there, done.rejected_there
                    moved += done.pulled + done.pushed
            if not moved:
                return
        raise AssertionError("they do not come to rest")

    def check(self, node: Node) -> None:
        hub = self.nodes[4]
        node.check_contiguous()
        assert node.shared() == hub.shared(node.streams), "not the same records"
        for project in node.streams or PROJECTS:
            assert node.judged(project) == hub.judged(project), "not the same winner and conflicts"
        wanted = {
            key for key, one in self.expected.items() if node.streams is None or one.stream in node.streams
        }
        assert wanted <= node.marks(), "an acknowledged record is lost"
        for text in self.redacted:
            assert not node.holds(text), "a redacted text is still there"
        self.check_mirror(node)

    def check_mirror(self, node: Node) -> None:
        lines = b"".join(record_line(record) for record in node.journal.in_order(None))
        assert (node.home.memory_log.read_bytes() if lines else b"") == lines


def steps(machine: type[Sync], **settings: Any) -> None:
    from hypothesis import HealthCheck
    from hypothesis import settings as options
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=options(
            deadline=None, stateful_step_count=25, suppress_health_check=list(HealthCheck), **settings
        ),
    )


__all__ = ["Path", "Sync", "steps"]
