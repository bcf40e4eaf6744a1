"""What the panel shows of a call: all of it, under an honest title."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.terminal import visible
from orchestrator.tui.proposal import Proposal, answer_keys, frame_title, length
from orchestrator.types import Label, Preview, ToolCall
from tests.tui.approval_host import CHANGE, COMMAND, EDIT, SHELL


def test_the_header_of_a_diff_is_left_out_only_where_the_title_says_the_same() -> None:
    assert Proposal(EDIT, CHANGE).rows()[0].kind == "hunk"
    other = Preview("edit other.py", CHANGE.body)
    assert [row.text for row in Proposal(EDIT, other).rows()][:2] == [
        "--- a/utils/quota.py",
        "+++ b/utils/quota.py",
    ]


def test_a_path_too_long_for_the_title_is_shown_in_the_body() -> None:
    path = "deep/" * 30 + "secret.py"
    body = CHANGE.body.replace("utils/quota.py", path)
    assert Proposal(EDIT, Preview(f"edit {path}", body)).rows()[0].text == f"--- a/{path}"


@given(st.text(), st.sampled_from(["shell", "git", "run Python", "write a", "edit a\nb"]), st.booleans())
def test_no_preview_loses_text(body: str, title: str, diff: bool) -> None:
    body = f"--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n{body}" if diff else body
    proposal = Proposal(ToolCall("shell", {}), Preview(title, body))
    rows = proposal.rows()
    text = visible(body).removesuffix("\n")
    whole = {text, text.removeprefix("--- a/a\n+++ b/a\n")} if visible(body) else {"No line changes."}
    assert {"\n".join(row.text for row in rows), "\n".join(row.sign + row.text for row in rows)} & whole


def test_a_command_that_looks_like_a_diff_is_shown_as_it_is() -> None:
    body = "--- a/shell\n+++ b/shell\n@@ -1 +1 @@\n-rm\n"
    rows = Proposal(ToolCall("shell", {}), Preview("shell", body)).rows()
    assert {row.kind for row in rows} == {"same"}


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (EDIT, "new"),
        (SHELL, "command"),
        (ToolCall("write", {"path": "a", "content": ""}), "content"),
        (ToolCall("run", {"code": "1"}), "code"),
        (ToolCall("bash", {"cmd": "ls"}), "cmd"),
        (ToolCall("write", {"path": "a", "text": "b"}), ""),
        (ToolCall("write", {"content": ["a"]}), ""),
        (ToolCall("write", {"content": "x" * 200_001}), ""),
        (ToolCall("odd", {}), ""),
    ],
)
def test_what_can_be_edited(call: ToolCall, argument: str) -> None:
    proposal = Proposal(call, Preview("t"))
    assert proposal.argument() == argument
    assert ("e" in dict(answer_keys(proposal))) is bool(argument)


@given(st.text(), st.integers(0, 200), st.booleans())
def test_the_title_says_where_at_any_width_and_holds_no_markup(title: str, width: int, safe: bool) -> None:
    shown = frame_title(Proposal(SHELL, Preview(title, sandboxed=safe)), width, "red").plain
    assert shown.endswith("sandboxed" if safe else "NOT sandboxed")
    assert "\n" not in shown
    if width > 60 and len(title) < 20 and title.isascii() and title.isprintable():
        assert shown.startswith(title)


@pytest.mark.parametrize("safe", [True, False])
def test_a_narrow_title_says_all_labels_and_whether_it_is_confined(safe: bool) -> None:
    labels: tuple[Label, ...] = ("writes outside", "network", "deletes", "privilege")
    shown = frame_title(Proposal(SHELL, Preview("shell", sandboxed=safe, labels=labels)), 74, "red")
    assert shown.cell_length <= 74
    assert ("NOT sandboxed" in shown.plain) is not safe
    assert all(word in shown.plain for word in ("shell", "sandboxed", *labels))


def test_a_tool_with_a_long_name_does_not_break_the_row() -> None:
    proposal = Proposal(ToolCall("x\u202e" * 40, {}), COMMAND)
    assert len(dict(answer_keys(proposal))["a"]) < 36


def test_length() -> None:
    assert length(Proposal(SHELL, Preview("shell", "a\n" * 1204)).rows()) == "1,204 lines"
    assert length(Proposal(SHELL, Preview("shell", "a" * 5000)).rows()) == "5,000 characters"
