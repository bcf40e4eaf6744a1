"""What a goal's words promise that can be measured besides its check, and which tests must stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from orchestrator.autonomy.outcome import Outcome

_NAME = r"[`'\"]?([A-Za-z_$][\w$.-]*)[`'\"]?(?:\(\))?"
_RENAME = re.compile(
    rf"\b(?:rename|umbenennen|benenne)\s+(?:the\s+)?"
    rf"(?:(?:function|method|class|variable|constant|option|setting|module|file|field)\s+)?"
    rf"{_NAME}(?:\s+in\s+\S+)?\s+(?:to|into|as|in)\s+{_NAME}",
    re.I,
)
_NEW_TEST = re.compile(
    r"\b(?:add|write|create|extend|with|includ\w+)\b(?:(?!\bfail)[^.]){0,60}\btests?\b", re.I
)
_CHANGE_TEST = re.compile(
    r"\b(?:update|change|correct|adapt|edit|rewrite)\b(?:(?!\bfail)[^.]){0,30}\btests?\b", re.I
)
_QUESTION = re.compile(
    r"\?\s*$|^\s*(?:how (?:many|much|often|long)|which|what|where|who|when|why|count|list|find out|tell)\b",
    re.I,
)
_TEST_FILE = re.compile(
    r"(?:^|/)(?:tests?|spec|specs|__tests__)/|(?:^|/)(?:test_|conftest\.)|[._-](?:test|spec)\.\w+$"
)
_PASSES = re.compile(r"\b(?:tests?|checks?|suite)\b[^.]{0,80}\bpass|\bfail(?:s|ing|ed)?\b", re.I)
_COMMAND = re.compile(r"`[^`\n]*\s[^`\n]*`")
_NAMED_FILE = re.compile(r"[\w./-]*[\w-]\.[A-Za-z]\w{0,9}\b")
_WRITTEN = re.compile(
    r"\b(?:write|put|save|store|record|append)\b[^.?]{0,60}\b(?:in|into|to|as)\s+\S*\w\.[A-Za-z]\w*", re.I
)
MOST_PLACES = 12


def is_question(goal: str) -> bool:
    """Whether an answer, and no change, fulfils it: not where the answer is wanted in a file."""
    return bool(_QUESTION.search(goal)) and not _WRITTEN.search(goal)


def sought(words: str) -> str:
    """The words that tools go by. They want a value that a person names to come into the file, and the change
    to be where a name stands, as is right where a setting is to be changed. Of a goal that tells how a test
    fails nothing is left but the files that it names; commands are always left out."""
    words = _COMMAND.sub(" ", words)
    return " ".join(_NAMED_FILE.findall(words)) if _PASSES.search(words) else words


def is_test(path: str) -> bool:
    return bool(_TEST_FILE.search(path))


def renamed(goal: str) -> tuple[str, str] | None:
    """The old and the new name, where the goal is to rename something."""
    found = _RENAME.search(goal)
    return (found[1].rstrip("."), found[2].rstrip(".")) if found else None


def protected(goal: str, check: str, first: Outcome | None, known: Collection[str]) -> frozenset[str]:
    """Tests that a run leaves alone: those that the check names or that failed at the start. None of them
    where the goal itself is about tests, names the file, or renames what they may call."""
    if _NEW_TEST.search(goal) or _CHANGE_TEST.search(goal) or renamed(goal):
        return frozenset()
    named = {path for path in known if is_test(path) and path in check}
    failing = {path for path in (first.files if first and not first.ok else ()) if is_test(path)}
    if first is not None and not first.ok:
        failing |= {path for path in known if PurePosixPath(path).name.startswith("conftest.")}
    return frozenset(
        path for path in named | failing if path not in goal and PurePosixPath(path).name not in goal
    )


def unmet(goal: str, first: Outcome | None, now: Outcome | None, texts: Mapping[str, str]) -> str:
    """One sentence on what the goal's words promise and the files do not show; empty where nothing is
    missing. `texts` are the project's files."""
    if names := renamed(goal):
        left = places(names[0], texts)
        if left:
            return f"`{names[0]}` still stands in {', '.join(left[:MOST_PLACES])}."
    counted = first and now and first.ok and first.passed is not None and now.passed is not None
    if counted and _NEW_TEST.search(goal) and first and now and (now.passed or 0) <= (first.passed or 0):
        return f"No test was added: {now.passed} pass, as before."
    return ""


def places(name: str, texts: Mapping[str, str]) -> list[str]:
    """Where a name stands as a whole word, "path:line"."""
    whole = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")
    found: list[str] = []
    for path, text in sorted(texts.items()):
        if name in text:
            found += [
                f"{path}:{number}" for number, one in enumerate(text.splitlines(), 1) if whole.search(one)
            ]
    return found


def code_words(goal: str) -> Iterable[str]:
    """Names of code in the goal: in quotes, with an underscore, in camel case, before a bracket."""
    pattern = re.compile(
        r"`([^`]{2,60})`|\b([A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z]+(?:[A-Z]\w*)+|\w+(?=\())"
    )
    return dict.fromkeys((first or second).removesuffix("()") for first, second in pattern.findall(goal))
