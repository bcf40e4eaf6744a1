"""Text on its way to a model: without control characters, and never longer than agreed. Pure."""

from __future__ import annotations

import difflib
import re

from orchestrator.terminal import ESCAPES

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NOTICE_ROOM = 80


def clean(text: str) -> str:
    """`text` without terminal escape sequences and control characters; tab and newline stay.

    A line that rewrote itself with carriage returns (a progress bar) shows its last state.
    """
    if "\x1b" in text or _CONTROL.search(text):
        text = _CONTROL.sub("", ESCAPES.sub("", text))
    if "\r" in text:
        lines = re.sub(r"\r+\n", "\n", text).split("\n")
        text = "\n".join(_last_state(line) for line in lines)
    return text


def _last_state(line: str) -> str:
    return next((state for state in reversed(line.split("\r")) if state), "")


def cap(text: str, limit: int) -> tuple[str, bool]:
    """At most `limit` characters: the head and the tail, and what was left out between them."""
    if len(text) <= limit:
        return text, False
    room = max(0, limit - _NOTICE_ROOM)
    head = text[: room * 2 // 3]
    tail = text[len(text) - (room - len(head)) :] if room > len(head) else ""
    if (end := head.rfind("\n")) > len(head) // 2:
        head = head[: end + 1]
    if 0 <= (start := tail.find("\n")) < len(tail) // 2:
        tail = tail[start + 1 :]
    left = text[len(head) : len(text) - len(tail)]
    notice = f"[… {count(len(left), 'character')}, {count(left.count(chr(10)) + 1, 'line')} left out …]"
    if head and not head.endswith("\n"):
        notice = "\n" + notice
    return f"{head}{notice}\n{tail}"[: max(limit, 0)], True


def shorten(line: str, limit: int = 200) -> str:
    """One line, cut with an ellipsis."""
    return line if len(line) <= limit else line[: limit - 1] + "…"


def count(number: int, noun: str) -> str:
    """`1 line`, `12,345 lines`, `2 matches`."""
    plural = noun + ("es" if noun.endswith(("ch", "sh", "s")) else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def unified_diff(old: str, new: str, path: str) -> str:
    """The change as a unified diff; empty if there is none."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def change_counts(diff: str) -> tuple[int, int]:
    """Lines added and removed by a unified diff."""
    body = [line for line in diff.splitlines() if not line.startswith(("+++ ", "--- "))]
    return sum(line.startswith("+") for line in body), sum(line.startswith("-") for line in body)


def unfence(text: str) -> tuple[str, str] | None:
    """Language and inside of a text that is one whole fenced block, else None."""
    match = re.fullmatch(r"\s*(`{3,}|~{3,})([\w.+#-]*)[^\n`]*\n(.*?)\n?[ \t]*\1\s*", text, re.DOTALL)
    if match is None or re.search(rf"^{match[1]}", match[3], re.MULTILINE):
        return None
    return match[2].lower(), match[3] + "\n"


def numbered(lines: list[str], first: int) -> str:
    """Lines as `12: text`, counted from `first`."""
    return "\n".join(f"{number}: {line}" for number, line in enumerate(lines, first))
