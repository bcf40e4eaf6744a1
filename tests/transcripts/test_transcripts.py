"""Each format on a small file in its documented shape; and whatever else may stand in a file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import UsageError
from orchestrator.transcripts import files
from orchestrator.transcripts.said import (
    BROKEN,
    EMPTY,
    INJECTED,
    KEEPING,
    SUBAGENT,
    THINKING,
    TOOL,
    Said,
    Skipped,
    iso,
)


def written(path: Path, *values: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def read(path: Path) -> tuple[str, list[Said], Counter[str]]:
    source = files.source(path)
    items = list(source.items())
    turns = [item for item in items if isinstance(item, Said)]
    return source.format, turns, Counter(item.why for item in items if isinstance(item, Skipped))


def test_our_own_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path / "talk.jsonl",
        {"id": "D1:1", "session": "one", "timestamp": "2024-01-03T10:00:00", "role": "Mara", "content": "Hi"},
        {"id": 7, "session": 2, "timestamp": 1_704_276_000, "role": "user", "content": "Numbers"},
        {"content": "bare"},
        {"id": "x", "content": "  "},
        ["no object"],
        {"speaker": "Jonas", "text": "other names", "dia_id": "D2:1", "session_id": "s"},
        {"content": [{"type": "text", "text": "in"}, {"type": "image"}, {"type": "text", "text": "blocks"}]},
    )
    assert read(path) == (
        "jsonl",
        [
            Said("D1:1", "one", "2024-01-03T10:00:00", "Mara", "Hi"),
            Said("7", "2", "1704276000", "user", "Numbers"),
            Said("line 3", "talk", "", "user", "bare"),
            Said("D2:1", "s", "", "Jonas", "other names"),
            Said("line 7", "talk", "", "user", "in\nblocks"),
        ],
        {EMPTY: 1, BROKEN: 1},
    )


def claude(kind: str, content: Any, number: int, **more: Any) -> dict[str, Any]:
    return {
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "cwd": "/home/me/heron",
        "sessionId": "964aa807-99e0-46c8-a293-a9aed7702390",
        "version": "2.0.1",
        "type": kind,
        "message": {"role": kind, "content": content},
        "uuid": f"u{number}",
        "timestamp": f"2025-11-02T10:00:{number:02}.000Z",
        **more,
    }


def test_claude_code(tmp_path: Path) -> None:
    path = written(
        tmp_path / "-home-me-heron" / "964aa807.jsonl",
        {"type": "summary", "summary": "Quota", "leafUuid": "u9"},
        {"type": "file-history-snapshot", "messageId": "u0", "snapshot": {}},
        claude("user", "Where is the quota checked?", 1),
        claude("assistant", [{"type": "thinking", "thinking": "hm", "signature": "x"}], 2),
        claude("assistant", [{"type": "text", "text": "I look."}], 3),
        claude("assistant", [{"type": "tool_use", "id": "t1", "name": "Grep", "input": {}}], 4),
        claude("user", [{"type": "tool_result", "tool_use_id": "t1", "content": "quota.py:3"}], 5),
        claude("assistant", [{"type": "text", "text": "In quota.py."}], 6),
        claude("user", "Caveat: The messages below were generated", 7, isMeta=True),
        claude("user", "<command-name>/clear</command-name>", 8),
        claude("user", [{"type": "text", "text": "And the tests?"}, {"type": "image", "source": {}}], 9),
        claude("assistant", "Sub-agent says", 10, isSidechain=True),
        {"type": "system", "subtype": "local_command", "content": "x", "uuid": "u11"},
    )
    form, turns, skipped = read(path)
    assert form == "claude-code"
    assert [(turn.id, turn.role, turn.content) for turn in turns] == [
        ("u1", "user", "Where is the quota checked?"),
        ("u3", "assistant", "I look."),
        ("u6", "assistant", "In quota.py."),
        ("u9", "user", "And the tests?"),
    ]
    assert {turn.session for turn in turns} == {"964aa807-99e0-46c8-a293-a9aed7702390"}
    assert turns[0].timestamp == "2025-11-02T10:00:01.000Z"
    assert skipped == {KEEPING: 3, THINKING: 1, TOOL: 2, INJECTED: 2, SUBAGENT: 1}


def codex(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": "2025-10-29T00:59:38.317Z", "type": kind, "payload": payload}


def message(role: str, text: str, block: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": block, "text": text}]}


def test_codex(tmp_path: Path) -> None:
    path = written(
        tmp_path / "rollout-2025-10-29T00-59-38-019a2d7a.jsonl",
        codex(
            "session_meta", {"id": "019a2d7a", "timestamp": "2025-10-29T00:59:38Z", "cwd": "/x", "git": {}}
        ),
        codex("response_item", message("developer", "Be brief.", "input_text")),
        codex("response_item", message("user", "<environment_context>…", "input_text")),
        codex("response_item", message("user", "what is 2+2?", "input_text")),
        codex("event_msg", {"type": "user_message", "message": "what is 2+2?"}),
        codex("turn_context", {"cwd": "/x", "model": "m"}),
        codex("response_item", {"type": "reasoning", "summary": []}),
        codex("response_item", {"type": "function_call", "name": "shell", "arguments": "{}"}),
        codex("response_item", {"type": "function_call_output", "call_id": "c", "output": "4"}),
        codex("response_item", message("assistant", "4", "output_text")),
    )
    form, turns, skipped = read(path)
    assert form == "codex"
    assert turns == [
        Said("line 4", "019a2d7a", "2025-10-29T00:59:38.317Z", "user", "what is 2+2?"),
        Said("line 10", "019a2d7a", "2025-10-29T00:59:38.317Z", "assistant", "4"),
    ]
    assert skipped == {KEEPING: 3, INJECTED: 2, THINKING: 1, TOOL: 2}


def test_codex_before_it_wrapped_its_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path / "rollout-2025-06-01.jsonl",
        {"id": "abc", "timestamp": "2025-06-01T08:00:00Z", "instructions": None},
        {"record_type": "state"},
        message("user", "hello", "input_text"),
        message("assistant", "hi", "output_text"),
    )
    form, turns, _ = read(path)
    assert form == "codex"
    assert [(turn.session, turn.timestamp, turn.content) for turn in turns] == [
        ("abc", "2025-06-01T08:00:00Z", "hello"),
        ("abc", "2025-06-01T08:00:00Z", "hi"),
    ]


GEMINI: dict[str, Any] = {
    "sessionId": "f86f5318",
    "projectHash": "79b6",
    "startTime": "2025-10-18T14:57:28.974Z",
    "lastUpdated": "2025-10-18T14:58:07.161Z",
    "messages": [
        {"id": "m1", "timestamp": "2025-10-18T14:57:28.974Z", "type": "user", "content": "List the files"},
        {
            "id": "m2",
            "timestamp": "2025-10-18T14:57:30Z",
            "type": "gemini",
            "content": "",
            "toolCalls": [{"id": "c", "name": "ls", "args": {}, "status": "success"}],
        },
        {
            "id": "m3",
            "timestamp": "2025-10-18T14:57:33Z",
            "type": "gemini",
            "content": [{"text": "There is"}, {"text": "one."}],
            "thoughts": [],
        },
        {"id": "m4", "timestamp": "2025-10-18T14:57:34Z", "type": "info", "content": "Request cancelled."},
    ],
}


@pytest.mark.parametrize("indent", [None, 2])
def test_gemini_cli(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "chats" / "session-2025-10-18T14-57-f86f5318.json"
    path.parent.mkdir()
    path.write_text(json.dumps(GEMINI, indent=indent), encoding="utf-8")
    form, turns, skipped = read(path)
    assert form == "gemini"
    assert turns == [
        Said("m1", "f86f5318", "2025-10-18T14:57:28.974Z", "user", "List the files"),
        Said("m3", "f86f5318", "2025-10-18T14:57:33Z", "assistant", "There is\none."),
    ]
    assert skipped == {TOOL: 1, KEEPING: 1}


def test_gemini_cli_as_lines_and_its_log_of_prompts(tmp_path: Path) -> None:
    head = {name: GEMINI[name] for name in ("sessionId", "projectHash", "startTime")}
    lines = written(tmp_path / "session.jsonl", head, *GEMINI["messages"], {"$set": {"lastUpdated": "x"}})
    form, turns, _ = read(lines)
    assert (form, [turn.id for turn in turns], turns[0].session) == ("gemini", ["m1", "m3"], "f86f5318")
    log = tmp_path / "logs.json"
    entry = {
        "sessionId": "f8",
        "messageId": 0,
        "type": "user",
        "message": "Hi",
        "timestamp": "2025-10-18T14:57:28Z",
    }
    log.write_text(json.dumps([entry]), encoding="utf-8")
    assert read(log)[:2] == ("gemini", [Said("0", "f8", "2025-10-18T14:57:28Z", "user", "Hi")])


AIDER = """
# aider chat started at 2025-06-19 14:32:16

> /usr/bin/aider --model x
> Added quota.py to the chat.

#### Where is the quota checked?
#### In which line?

It is checked in `charge`.

# A heading of the answer

> Tokens: 2.3k sent

#### thanks

# aider chat started at 2025-06-20 09:00:00

#### Again

Yes.
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_aider(tmp_path: Path, newline: str) -> None:
    path = tmp_path / ".aider.chat.history.md"
    path.write_bytes(AIDER.replace("\n", newline).encode())
    form, turns, skipped = read(path)
    assert form == "aider"
    assert [(turn.session, turn.role, turn.content) for turn in turns] == [
        ("aider 2025-06-19 14:32:16", "user", "Where is the quota checked?\nIn which line?"),
        ("aider 2025-06-19 14:32:16", "assistant", "It is checked in `charge`.\n\n# A heading of the answer"),
        ("aider 2025-06-19 14:32:16", "user", "thanks"),
        ("aider 2025-06-20 09:00:00", "user", "Again"),
        ("aider 2025-06-20 09:00:00", "assistant", "Yes."),
    ]
    assert len({(turn.session, turn.id) for turn in turns}) == 5
    assert skipped == {TOOL: 2}


# --- whatever else may stand there ----------------------------------------------------------------

LINE = b'{"id": "%d", "session": "s", "content": "turn %d"}'


def test_broken_lines_marks_line_ends_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + LINE % (1, 1) + b"\r\n\r\n"
        b'{"id": "2", "content": "cut off\n' + b"[" * 100_000 + b"\n"
        b'{"id": "3", "session": "s", "content": "bad \xff\xfe byte"}\r\n' + b"\x00\x00\n"
        b"NaN\n" + LINE % (4, 4)
    )
    form, turns, skipped = read(path)
    assert form == "jsonl"
    assert [(turn.id, turn.content) for turn in turns] == [
        ("1", "turn 1"),
        ("3", "bad \ufffd\ufffd byte"),
        ("4", "turn 4"),
    ]
    assert skipped == {BROKEN: 4}


def test_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "windows.jsonl"
    path.write_bytes(('{"id": "1", "content": "Größe"}\r\n{"id": "2", "content": "ja"}\r\n').encode("utf-16"))
    assert [turn.content for turn in read(path)[1]] == ["Größe", "ja"]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"\xff\xfe", b"{", b"[", b"null", b"[[[[", b"\x00" * 100, b"# x\n"], ids=repr
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.md"], ids=lambda name: name)
def test_a_file_that_holds_no_conversation(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert read(tmp_path / name)[1] == []


def test_a_very_long_line_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LINE_BYTES", 100)
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"content": "' + b"x" * 1000 + b'"}\n' + LINE % (1, 1) + b"\n")
    _, turns, skipped = read(path)
    assert [turn.content for turn in turns] == ["turn 1"]
    assert sum(skipped.values()) == 1


def test_lines_are_read_as_they_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    path.write_bytes(b"".join(LINE % (number, number) + b"\n" for number in range(50_000)))
    done: list[int] = []
    items = files.source(path).items(done.append)
    next(items)
    assert done[-1] < 1000 < path.stat().st_size


def test_a_folder_gives_its_conversations(tmp_path: Path) -> None:
    for name in ("b/one.jsonl", "a/session-1.json", ".aider.chat.history.md", "note.txt"):
        written(tmp_path / name, {})
    assert [str(path.relative_to(tmp_path)) for path in files.found(tmp_path)] == [
        ".aider.chat.history.md",
        "a/session-1.json",
        "b/one.jsonl",
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no conversations"):
        files.found(tmp_path / "empty")
    with pytest.raises(UsageError, match="cannot be read"):
        files.source(tmp_path / "missing")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2024-01-03T10:00:00Z", "2024-01-03T10:00:00Z"),
        ("2024-01-03", "2024-01-03"),
        ("20240103T100000", "2024-01-03T10:00:00"),
        ("1704276000", "2024-01-03T10:00:00+00:00"),
        ("1704276000000", "2024-01-03T10:00:00+00:00"),
        ("1704276000.5", "2024-01-03T10:00:00.500000+00:00"),
        ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00"),
        ("12:05 am on 1 January, 2023", "2023-01-01T00:05:00"),
        ("March 3rd, 2021", "2021-03-03T00:00:00"),
        ("99 May, 2023", ""),
        ("99999999999999999999", ""),
        ("soon", ""),
        ("", ""),
    ],
)
def test_times(given: str, meant: str) -> None:
    assert iso(given) == meant
