"""A record on one line and in full: pure, for whatever a journal may hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.terminal import plain
from orchestrator.tui.lines import Span, cells, fit, fold, spread
from orchestrator.tui.node import LoggedRecord
from orchestrator.tui.record_text import (
    SHOWN_CHARS,
    SUMMARY_CHARS,
    ago,
    failed,
    label,
    mark,
    moment,
    paragraphs,
    summary,
)
from orchestrator.types import Kind, Record

WALL = "2026-11-03T10:41:07.000+01:00"


def record(kind: Kind, body: Mapping[str, Any] | None, **more: Any) -> Record:
    fields: dict[str, Any] = {
        "v": 1,
        "dev": "d" * 32,
        "epoch": 1,
        "stream": "p1",
        "seq": 3,
        "ts": (1_793_700_067_000, 0),
        "wall": WALL,
        "project": "p1",
        "session": "7f3a" * 8,
        "kind": kind,
        "entity": f"{'7f3a' * 8}#3",
        "parents": (),
        "body": body,
        "salt": None if body is None else "5a17",
        "body_sha": "b0d1",
        "id": "1d" * 32,
    }
    return Record(**(fields | more))


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("message", {"role": "user", "text": "Fix\n  it"}, ("you", "Fix it")),
        ("message", {"role": "assistant", "text": "", "interrupted": True}, ("answer", "(interrupted)")),
        ("tool_call", {"name": "search", "arguments": {"pattern": "Quota"}}, ("call", "search Quota")),
        (
            "tool_result",
            {"name": "search", "ok": True, "text": "(3 matches in 2 files)", "duration_ms": 12},
            ("result", "search 3 hits 12ms"),
        ),
        (
            "tool_result",
            {"name": "edit", "ok": True, "text": "x", "changed": ["a.py"], "added": 2, "removed": 1},
            ("result", "edit a.py +2 −1"),
        ),
        (
            "tool_result",
            {"name": "shell", "ok": False, "exit_code": 1, "text": "1 failed\n[exit code 1]"},
            ("result", "shell ✗ exit 1: 1 failed [exit code 1]"),
        ),
        (
            "decision",
            {"text": "use PostgreSQL", "because": "many writers"},
            ("decision", "use PostgreSQL (because many writers)"),
        ),
        ("session", {"event": "start", "model": "m", "mode": "ask"}, ("session", "start · m · ask")),
        ("session", {"event": "end", "reason": "done"}, ("session", "end · done")),
        ("setting", {"theme": "dark", "n": [1]}, ("setting", "theme=dark, n=[1]")),
        ("lesson", None, ("lesson", "(redacted)")),
        ("message", None, ("answer", "(redacted)")),
    ],
)
def test_a_record_on_one_line(kind: Kind, body: Mapping[str, Any], said: tuple[str, str]) -> None:
    one = record(kind, body)
    assert (label(one), summary(one)) == said


@pytest.mark.parametrize(
    ("kind", "body", "sign"),
    [
        ("decision", {"text": "x", "by": "user", "status": "confirmed"}, "✔"),
        ("lesson", {"text": "x", "by": "model", "status": "claimed"}, "?"),
        ("test", {"text": "x", "status": "verified"}, "✔"),
        ("note", {"text": "x"}, "?"),
        ("note", None, ""),
        ("message", {"role": "user", "text": "x"}, ""),
    ],
)
def test_what_is_claimed_and_what_is_confirmed(kind: Kind, body: Mapping[str, Any], sign: str) -> None:
    assert mark(record(kind, body)) == sign


def test_only_results_fail() -> None:
    assert failed(record("tool_result", {"ok": False}))
    assert not failed(record("tool_result", {"ok": True}))
    assert not failed(record("tool_result", None))
    assert not failed(record("message", {"ok": False}))


def test_times_are_relative_then_dates() -> None:
    now = datetime(2026, 11, 3, 12).timestamp()
    spent = [-7200, -30, 0, 59, 60, 3599, 3600, 86_399, 86_400, 6.9 * 86_400, 8 * 86_400, 400 * 86_400]
    said = ["ahead", "now", "now", "now", "1m", "59m", "1h", "23h", "1d", "6d", "26 Oct", "2025"]
    assert [ago(now - one, now) for one in spent] == said


@pytest.mark.parametrize("wall", ["", "yesterday", "9999-99-99", "0001-01-01T00:00:00+14:00"])
def test_a_wall_clock_that_is_none_falls_back_to_the_timestamp(wall: str) -> None:
    one = record("note", {"text": "x"}, wall=wall)
    assert moment(one) in (1_793_700_067.0, -62_135_647_200.0)
    assert ago(moment(one), 1_793_700_067.0)


def test_in_full_the_body_comes_first_then_every_field() -> None:
    one = record("decision", {"by": "user", "deep": {"a": [1]}, "text": "use\nthis"}, parents=("aa", "bb"))
    parts = dict(paragraphs(LoggedRecord(9, one, "S7f3a#3")))
    assert list(parts)[:4] == ["text", "by", "deep", ""]
    assert parts["text"] == "use\nthis"
    assert parts["deep"] == '{\n  "a": [\n    1\n  ]\n}'
    assert parts["parents"] == "aa\nbb"
    assert WALL in parts["time"]
    assert {"id", "body_sha", "salt", "seq", "stream", "device", "epoch", "ts", "arrival"} <= set(parts)
    assert (parts["citation"], parts["standing"]) == ("S7f3a#3", "verified or confirmed")


def test_redacted_is_shown_as_such() -> None:
    parts = dict(paragraphs(LoggedRecord(9, record("lesson", None), "S7f3a#3")))
    assert (parts["body"], parts["salt"], parts["body_sha"]) == ("(redacted)", "(redacted)", "b0d1")


def test_a_megabyte_says_how_much_is_not_shown() -> None:
    parts = dict(paragraphs(LoggedRecord(9, record("note", {"text": "x" * 1_000_000}), "S7f3a#3")))
    assert len(parts["text"]) < SHOWN_CHARS + 100
    assert parts["text"].endswith("800,000 more characters: orch log --json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["text", "role", "name", "arguments", "because", "ok", "exit_code", "changed", "added", "removed"]
) | st.sampled_from(["duration_ms", "status", "by", "event", "reason", "model", "truncated", "interrupted"])
KINDS = st.sampled_from(["message", "tool_call", "tool_result", "decision", "session", "setting", "redact"])


@given(KINDS, st.dictionaries(KEYS | st.text(), JSON) | st.none(), st.text())
def test_any_body_reads_as_one_safe_line_and_in_full(
    kind: Kind, body: dict[str, Any] | None, wall: str
) -> None:
    one = record(kind, body, wall=wall)
    line = summary(one)
    assert len(line) <= SUMMARY_CHARS
    assert line == " ".join(plain(line).split())
    assert isinstance(mark(one) + label(one) + ago(moment(one), 0.0), str)
    for name, text in paragraphs(LoggedRecord(1, one, "c")):
        assert name == plain(name)
        assert all(plain(piece) == piece for piece in fold(text, 20))


@given(st.lists(st.text()), st.lists(st.text()), st.integers(1, 60))
def test_lines_fit_their_width(left: list[str], right: list[str], width: int) -> None:
    one, two = (tuple(Span(" ".join(plain(text).split())) for text in texts) for texts in (left, right))
    assert cells(fit(one, width)) <= width
    assert cells(spread(one, two, width)) <= width


@given(st.text(), st.integers(2, 60))
@example("\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}", 2)
def test_folding_loses_nothing_but_what_must_not_be_shown(text: str, width: int) -> None:
    folded = fold(text, width)
    assert "".join(folded) == "".join(line.expandtabs(4) for line in plain(text).splitlines())
    assert all(cells((Span(line),)) <= width for line in folded)
