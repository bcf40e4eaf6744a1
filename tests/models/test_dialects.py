"""The tool-call dialects: every spelling, hostile text, streaming in arbitrary pieces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.dialects import (
    ANSWER_SPEC,
    OPENING,
    Decoder,
    describe,
    grammar,
    native,
    parse,
    render,
)
from orchestrator.types import ANSWER, Parameter, ToolCall, ToolSpec

SPECS = (
    ToolSpec("search", "find", (Parameter("pattern"), Parameter("path", required=False)), "read"),
    ToolSpec(
        "read",
        "read",
        (Parameter("path"), Parameter("start", type="integer", required=False)),
        "read",
    ),
    ToolSpec("write", "write", (Parameter("path"), Parameter("content")), "write"),
    ToolSpec("edit", "edit", (Parameter("path"), Parameter("old"), Parameter("new")), "write"),
    ToolSpec("run", "python", (Parameter("code"),), "command"),
    ToolSpec("shell", "bash", (Parameter("command"),), "command"),
    ToolSpec("note", "note", (Parameter("kind", choices=("decision", "lesson")), Parameter("text")), "note"),
    ANSWER_SPEC,
)


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ('{"tool":"search","pattern":"a\\"b"}', "search", {"pattern": 'a"b'}),
        (
            '{"name": "read", "arguments": {"path": "a.py", "start": "7"}}',
            "read",
            {"path": "a.py", "start": 7},
        ),
        (
            '<tool_call>\n{"name":"shell","arguments":{"command":"ls"}}\n</tool_call>',
            "shell",
            {"command": "ls"},
        ),
        ('Let me see.\n<tool_call>{"name":"shell","arguments":{"command":"ls"}}', "shell", {"command": "ls"}),
        ('```json\n{"tool":"shell","command":"ls"}\n```', "shell", {"command": "ls"}),
        (
            '{"type":"function","function":{"name":"shell","arguments":"{\\"command\\":\\"ls\\"}"}}',
            "shell",
            {"command": "ls"},
        ),
        (
            '{"tool":"write","path":"a","content":"line\nline"',
            "write",
            {"path": "a", "content": "line\nline"},
        ),
        ("search: QuotaExceeded", "search", {"pattern": "QuotaExceeded"}),
        ("I'll run the tests.\nshell: pytest -q", "shell", {"command": "pytest -q"}),
        ("run:\n```python\nprint(1)\n```", "run", {"code": "print(1)"}),
        ("write: a.py\nx = 1\ny = 2", "write", {"path": "a.py", "content": "x = 1\ny = 2"}),
        ("note: decision use WAL", "note", {"kind": "decision", "text": "use WAL"}),
        (
            "edit: a.py\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE",
            "edit",
            {"path": "a.py", "old": "x = 1", "new": "x = 2"},
        ),
    ],
)
def test_every_spelling(text: str, name: str, arguments: dict[str, object]) -> None:
    assert parse(text, SPECS) == ToolCall(name, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "Hello.",
        "",
        '{"name": "Bob", "age": 3}',
        "Note: this is fine\nand goes on.\nThe end.",
        "{[",
        "search",
        "search:",
    ],
)
def test_prose_is_an_answer(text: str) -> None:
    assert parse(text, SPECS) is None


def test_native_arguments_may_be_text_or_broken() -> None:
    assert native("read", '{"path":"a","start":"3"}', SPECS).arguments == {"path": "a", "start": 3}
    assert native("read", "not json", SPECS).arguments == {}


def test_render_parse_round_trip_starts_with_the_opening() -> None:
    call = ToolCall("edit", {"path": "ä.py", "old": 'a\n"b"', "new": ""})
    assert render(call).startswith(OPENING)
    assert parse(render(call), SPECS) == call


def test_descriptions_and_grammar_name_every_choice() -> None:
    assert "read(path, start?): read" in describe(SPECS)
    rules = grammar(SPECS[:2])
    assert "root ::= call-search | call-read" in rules
    assert "call-edit" not in rules


def _stream(raw: str, cuts: list[int], *, cut: bool = False) -> tuple[str, ToolCall | None, str]:
    decoder, out, last = Decoder(SPECS), [], 0
    for position in [*sorted(c % (len(raw) + 1) for c in cuts), len(raw)]:
        out.append(decoder.feed(raw[last:position]))
        last = max(last, position)
    call, text = decoder.finish(cut=cut)
    return "".join(out), call, text


@given(st.text(), st.lists(st.integers(0, 10_000), max_size=12), st.booleans())
def test_answer_streams_out_of_json_in_any_pieces(text: str, cuts: list[int], ascii_only: bool) -> None:
    text = text.encode("utf-8", "replace").decode()
    raw = json.dumps({"tool": ANSWER, "text": text}, ensure_ascii=ascii_only, separators=(",", ":"))
    assert _stream(raw, cuts) == (text, None, text)


@given(st.text(alphabet='abc{}<tool_call>/\n"`: ', max_size=80), st.lists(st.integers(0, 99), max_size=8))
def test_plain_prose_streams_only_what_the_answer_begins_with(raw: str, cuts: list[int]) -> None:
    streamed, call, text = _stream(raw, cuts)
    if call is None:
        assert text.startswith(streamed.strip()) or streamed.strip() == ""


@given(st.text(), st.lists(st.integers(0, 99), max_size=5))
def test_parse_and_decode_never_raise(raw: str, cuts: list[int]) -> None:
    parse(raw, SPECS)
    _stream(raw, cuts, cut=True)


@given(st.integers(9, 60))
def test_a_call_cut_off_by_a_limit_is_dropped(end: int) -> None:
    raw = render(ToolCall("shell", {"command": "rm -rf build && echo all of it is gone now, sorry"}))
    assert _stream(raw[:end], [], cut=True) == ("", None, "")


def test_an_answer_cut_off_keeps_its_text() -> None:
    assert _stream('{"tool":"answer","text":"half an ans', [], cut=True)[2] == "half an ans"


def test_lone_surrogates_become_something_printable() -> None:
    streamed, _, text = _stream(r'{"tool":"answer","text":"a\ud83d b"}', [20, 27, 30])
    assert streamed == text
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('x = ["a", "b"]', 'x = ["a", "b"]'),
        (r'say \"hi\" or "ho"', 'say "hi" or "ho"'),
        (r'a\nb "c"', 'a\nb "c"'),
        ("", ""),
    ],
)
def test_quotes_that_were_not_escaped_do_not_end_code(written: str, meant: str) -> None:
    spec = ToolSpec("edit", "", (Parameter("path"), Parameter("new")), "write")
    call = parse(f'{OPENING}edit","path":"a.toml","new":"{written}"}}', [spec])
    assert call == ToolCall("edit", {"path": "a.toml", "new": meant})


def test_a_quote_that_a_small_model_did_not_escape_does_not_end_the_answer() -> None:
    raw = '{"tool":"answer","text":"The name is "heron", (line 3)."}'
    assert _stream(raw, list(range(len(raw)))) == (
        'The name is "heron", (line 3).',
        None,
        'The name is "heron", (line 3).',
    )
    assert "said" in grammar((ANSWER_SPEC,))
    assert " said" not in grammar(SPECS[:2]).split("\n")[1]


@given(st.text(st.characters(codec="utf-8")), st.lists(st.integers(0, 200), max_size=5))
def test_line_ends_and_tabs_may_stand_raw_in_a_string(text: str, cuts: list[int]) -> None:
    raw = json.dumps({"tool": "run", "code": text}, ensure_ascii=False, separators=(",", ":"))
    loose = raw.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\\\")
    assert parse(loose, SPECS) == ToolCall("run", {"code": text})
    assert _stream(loose, cuts)[1] == ToolCall("run", {"code": text})


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=4))
def test_a_choice_stands_in_the_grammar_as_it_is_rendered(choices: list[str]) -> None:
    spec = ToolSpec("edit", "edit", (Parameter("old", choices=tuple(choices)),), "write")
    rules = grammar((spec,))
    for choice in choices:
        rendered = render(ToolCall("edit", {"old": choice}))
        value = json.dumps(choice, ensure_ascii=False)
        assert value in rendered
        assert value.replace("\\", "\\\\").replace('"', '\\"') in rules
        assert parse(rendered, (spec,)) == ToolCall("edit", {"old": choice})
