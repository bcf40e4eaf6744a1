"""What a hostile or broken peer sends is refused line by line, and never brings the node down."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import BadPage, OrchError, PageTooLarge
from orchestrator.journal.canonical import body_sha, canonical, record_id
from orchestrator.journal.clock import LAST
from orchestrator.journal.excerpts import Recall
from orchestrator.sync import wire
from orchestrator.sync.engine import PageSize, SyncEngine
from orchestrator.sync.wire import Head, Key, Page, decode_page, decode_vector, encode_page, encode_vector
from tests.sync.nodes import Node

DEV = "d" * 32


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path, "node")
    yield made
    made.close()


def line(seq: int = 1, **changed: Any) -> bytes:
    """A record as an honest peer would send it, but for what is `changed` before it is hashed."""
    fields: dict[str, Any] = {
        "v": 1, "dev": DEV, "epoch": 1, "stream": "p1", "seq": seq, "ts": [1_760_000_000_000 + seq, 0],
        "wall": "2025-10-09T10:53:20.000+02:00", "project": "p1", "session": "s1", "kind": "note",
        "entity": f"s1#{seq}", "parents": [], "body": {"text": f"lamp {seq}"}, "salt": "0" * 32, **changed,
    }  # fmt: skip
    if fields["body"] is not None:
        fields.setdefault("body_sha", body_sha(fields["body"], fields["salt"]))
    else:
        fields["salt"] = None
        fields.setdefault("body_sha", "0" * 64)
    fields.setdefault("id", record_id(fields))
    return canonical(fields)


def received(node: Node, *lines: bytes, allowed: Any = None) -> wire.Received:
    return node.engine.receive(Page(lines), allowed)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line(2)[:-5], "JSON"),
        (line(2) + b" ", "canonical"),
        (line(2).replace(b"lamp 2", b"lamp 3"), "hash"),
        (line(2, id="0" * 64), "id"),
        (line(2).replace(b"lamp", b"la\xffp"), "UTF-8"),
        (b"[" * 100_000, "deep"),
        (line(2, body={"text": json.loads("[" * 80 + "]" * 80)}), "deep"),
        (line(2, stream="private"), "private"),
        (line(2, stream="p2"), "another"),
        (line(2, project="p2", stream="p2"), "open"),
        (line(2, ts=[1 << 60, 0]), "time"),
        (line(1 << 70), "number"),
        (line(2, wall="later"), "wall"),
        (line(2, entity="x" * 5000), "long"),
        (line(2, dev="../../etc"), "device"),
        (line(2, v=2), "version"),
        (line(2, kind="Not A Kind"), "kind"),
        (line(2, epoch=1 << 52), "follow"),
        (line(4), "follow"),
        (b"null", "fields"),
        (b'{"id":NaN}', "JSON"),
        (b"", "JSON"),
    ],
)  # fmt: skip
def test_one_bad_record_rejects_itself_and_not_the_page(node: Node, bad: bytes, reason: str) -> None:
    other = line(1, dev="e" * 32)
    answer = received(node, line(1), bad, other, allowed={"p1"})
    assert [one.line for one in answer.rejected] == [2]
    assert reason in answer.rejected[0].reason
    assert answer.stored == 2 == len(node.records())


def test_what_follows_a_rejected_record_waits_for_it(node: Node) -> None:
    answer = received(node, line(1), line(2, wall="later"), line(3))
    assert [one.line for one in answer.rejected] == [2, 3]
    assert answer.heads == {Key(DEV, 1, "p1"): Head(1, node.records()[0].id)}
    assert answer.blocked == (Key(DEV, 1, "p1"),)


def test_an_unknown_kind_and_any_body_are_kept_and_passed_on(node: Node, tmp_path: Path) -> None:
    odd = [
        line(1, kind="hologram", body={"x": [1, {"y": None}]}),
        line(2, body={"text": ["no", "text"], "because": 3, "supersedes": {}, "role": [], "time": 9}),
        line(3, kind="message", body={"role": 7, "text": {"a": 1}, "time": "never"}),
        line(4, kind="redact", body={}),
        line(5, kind="session", body={"event": ["end"]}, entity="s1#999999999999999999999"),
    ]
    assert received(node, *odd).rejected == ()
    other = Node(tmp_path, "other")
    for page in node.engine.pages(other.engine.heads()):
        other.engine.receive(page)
    assert other.records() == node.records()
    assert other.journal.live_notes("p1")
    assert Recall(other.journal).ask("lamp text", 99)
    other.close()


def test_a_redaction_reaches_its_own_stream_only(node: Node) -> None:
    made = node.append("note", "kept", "p2")
    received(node, line(1, kind="redact", parents=[made.id], body={"redacts": made.id}))
    assert node.journal.by_id_prefix(made.id)[0].body == {"text": "kept"}


def test_a_redacted_record_does_not_come_back(node: Node, tmp_path: Path) -> None:
    other = Node(tmp_path, "other")
    made = node.append("note", "leaked", "p1")
    old = list(node.engine.pages({}))
    node.journal.redact([made])
    for page in [*node.engine.pages({}), *old]:
        other.engine.receive(page)
    assert not other.holds("leaked")
    other.close()


def test_a_record_that_comes_with_its_body_and_without_it_is_stored_as_it_came_first(node: Node) -> None:
    whole = line(2)
    fields = json.loads(whole)
    bare = canonical({**fields, "body": None, "salt": None})
    assert received(node, line(1), whole, bare).rejected == ()
    assert [one.body for one in node.records()] == [{"text": "lamp 1"}, {"text": "lamp 2"}]
    assert node.home.memory_log.read_bytes() == b"".join((line(1), b"\n", whole, b"\n"))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", BadPage),
        (b"not gzip", BadPage),
        (encode_page(Page((line(),)))[:-9], BadPage),
        (encode_page(Page()) + b"x", BadPage),
        (gzip.compress(b"{}\n"), BadPage),
        (gzip.compress(b'{"orch":2}\n'), BadPage),
        (gzip.compress(b'{"orch":1,"heads":[[1,2]],"base":[],"more":false}\n'), BadPage),
        (gzip.compress(b"[" * 100_000 + b"\n"), BadPage),
        (gzip.compress(b"no line end"), BadPage),
        (gzip.compress(bytes(wire.MAX_PAGE_BYTES + 1)), PageTooLarge),
        (gzip.compress(b"\n" * 1_000_000), PageTooLarge),
        (bytes(wire.MAX_PAGE_BYTES + 1), PageTooLarge),
    ],
)
def test_what_is_no_page_is_one_sentence(data: bytes, error: type[OrchError]) -> None:
    with pytest.raises(error):
        decode_page(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_page_or_an_error(data: bytes) -> None:
    for attempt in (lambda: decode_page(data), lambda: decode_page(gzip.compress(data))):
        with pytest.raises(OrchError):
            attempt()


@given(st.text(max_size=100))
def test_any_text_is_a_vector_or_an_error(text: str) -> None:
    call: Callable[[], Any] = lambda: decode_vector(text)  # noqa: E731
    if text:
        with pytest.raises(OrchError):
            call()


def test_pages_and_vectors_come_back(node: Node) -> None:
    received(node, line(1), line(2))
    vector = node.engine.heads()
    page = node.engine.page({}, None, PageSize(records=1))
    assert page.more
    assert decode_page(encode_page(page)) == page
    assert decode_vector(encode_vector(vector)) == vector


def test_a_record_as_large_as_a_page_travels_alone(node: Node, tmp_path: Path) -> None:
    for text in ("a", "b" * (wire.PAGE_BYTES + 1), "c"):
        node.append("note", text, "p1")
    pages = list(node.engine.pages({}))
    assert [len(page.lines) for page in pages] == [1, 1, 1]
    other = Node(tmp_path, "other")
    for page in pages:
        assert not other.engine.receive(decode_page(encode_page(page))).rejected
    assert other.records() == node.records()
    other.close()


def test_a_clock_a_year_ahead_counts_is_flagged_and_is_not_followed(node: Node) -> None:
    year = 365 * 86_400_000
    answer = received(node, line(1, ts=[node.clock.now + year, 0]))
    assert (answer.stored, answer.suspect) == (1, 1)
    assert node.append("note", "now", "p1").ts == (node.clock.now, 0)
    edit = node.append("note", "after it", "p1", parents=(node.records()[-1].id,))
    assert edit.ts > (node.clock.now + year, 0)


def test_a_full_disk_changes_nothing_and_the_page_may_come_again(node: Node) -> None:
    pages = node.connection.execute("PRAGMA page_count").fetchone()[0]
    node.connection.execute(f"PRAGMA max_page_count = {pages}")
    lines = [line(seq, body={"text": "x" * 4000}) for seq in range(1, 60)]
    with pytest.raises(OrchError, match="Free space"):
        received(node, *lines)
    assert node.records() == []
    node.connection.execute("PRAGMA max_page_count = 1000000")
    assert received(node, *lines).stored == 59


def test_a_gap_of_a_rebuilt_journal_is_filled(node: Node, tmp_path: Path) -> None:
    from orchestrator.journal.rebuild import rebuild

    received(node, *(line(seq) for seq in range(1, 8)))
    node.close()
    lines = node.home.memory_log.read_bytes().splitlines(keepends=True)
    node.home.memory_log.write_bytes(b"".join(lines[:2] + lines[4:]))
    node.home.journal.write_bytes(b"gone")
    rebuild(node.home)
    node.open()
    assert node.engine.heads()[Key(DEV, 1, "p1")].seq == 2
    source = Node(tmp_path, "source")
    source.engine.receive(Page(tuple(line(seq) for seq in range(1, 8))))
    for page in source.engine.pages(node.engine.heads()):
        assert not node.engine.receive(page).rejected
    node.check_contiguous()
    assert node.shared() == source.shared()
    source.close()


def test_the_engine_takes_no_stream_that_was_not_asked_for(node: Node) -> None:
    node.append("note", "one", "p1")
    node.append("note", "two", "p2")
    node.append("note", "three", "p1", private=True)
    engine = SyncEngine(node.journal)
    assert {key.stream for key in engine.heads({"p1", "private"})} == {"p1"}
    assert {key.stream for key in engine.heads()} == {"p1", "p2"}
    assert not list(engine.pages({}, {"private"}))
    assert replace(node.records()[0]).stream == "p1"


@pytest.mark.parametrize("ahead_ms", [4 * 60 * 1000, None], ids=["in five minutes", "at the end of time"])
def test_a_time_that_leaves_no_room_does_not_make_this_node_write_what_no_peer_takes(
    node: Node, tmp_path: Path, ahead_ms: int | None
) -> None:
    late = (node.clock.now + ahead_ms, LAST[1]) if ahead_ms else LAST
    theirs = line(1, kind="doc", entity="PROJECT_CONTEXT.md", ts=list(late))
    assert received(node, theirs).rejected == ()
    made = node.append("note", "after it", "p1")
    edit = node.append(
        "doc", "edited", "p1", entity="PROJECT_CONTEXT.md", parents=(json.loads(theirs)["id"],)
    )
    other = Node(tmp_path, "other")
    for page in node.engine.pages({}):
        assert other.engine.receive(page).rejected == ()
    assert {made.id, edit.id} <= other.marks()
    other.close()
