"""Files of words: README, licence, and what sources say of ports."""

from __future__ import annotations

import re

from orchestrator.documents.plain import code, prose
from orchestrator.handoff.manifests.found import MOST_BYTES, Found

_LICENCES = (
    ("GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL"),
    ("GNU LESSER GENERAL PUBLIC LICENSE", "LGPL"),
    ("GNU GENERAL PUBLIC LICENSE", "GPL"),
    ("Apache License", "Apache-2.0"),
    ("Mozilla Public License", "MPL-2.0"),
    ("Permission is hereby granted, free of charge", "MIT"),
    ("Permission to use, copy, modify, and/or distribute", "ISC"),
    ("Redistribution and use in source and binary forms", "BSD"),
    ("This is free and unencumbered software", "Unlicense"),
)
_PORT = re.compile(
    r"""(?:\bport["']?\s*[:=]\s*|\.listen\(\s*|--port[ =]|localhost:|127\.0\.0\.1:)(\d{2,5})\b""", re.I
)
_AT = re.compile(r"(?:\blocalhost|\b127\.0\.0\.1|\b0\.0\.0\.0|\[::1?\]):(\d{2,5})\b", re.I)
_SHELLS = frozenset(("", "sh", "bash", "shell", "console", "terminal", "text", "txt", "zsh", "powershell"))
_LEAVES = re.compile(r"(?:^|[&;$%>\s])cd\s+[^\s.]")
_HEAD = re.compile(r"^(?:#{1,3}\s+(.+?)\s*#*|([A-Z].{2,60}))$")
_DOING = re.compile(
    r"\b(?:test|build|install|usage|run|develop|getting started|quick|compil|contribut|setup)", re.I
)
_RUNS = re.compile(
    r"^(?:[$%>]\s+)?((?:(?:pip|pipx|npm|npx|pnpm|yarn|go|cargo|make|cmake|mvn|gradle|bundle|gem|rake|mix|composer|dotnet"
    r"|swift|cabal|stack|docker|pytest|tox|nox|uv|poetry|brew|apt(?:-get)?|deno|bun|bazel|meson|ninja)\s|\./)[^\n]{1,120}|make)$"
)  # fmt: skip
_META = re.compile(
    r"(?:This|The) (?:README|document|file|page|repo(?:sitory)? contains)\b"
    r"|(?:Please|See|Note|English|Languages?)\b|Table of",
    re.I,
)
_GETS = re.compile(
    r"(?:pip|pipx|brew|apt|apt-get|go (?:get|install)|gem install|cargo b?install)\b"
    r"|(?:composer require|npx|docker)\b|npm i\w* \S"
)
_MOST_LINES = 1500


def readme(text: str, source: str) -> list[Found]:
    """Title and first paragraph, and the commands that it tells in sections about building and testing."""
    raw = text[:MOST_BYTES].splitlines()[:_MOST_LINES]
    lines = [_bare(line) for line in raw]
    return [*_introduction(lines, source), *_told(lines, raw, source)]


def _bare(line: str) -> str:
    """A line without tags and badges."""
    line = re.sub(
        r"<[^<>]{0,400}>|\[?!\[[^\]]{0,200}\](?:\([^)]{0,400}\)|\[[^\]]{0,80}\])(?:\]\([^)]{0,400}\))?",
        "",
        line[:2000],
    )
    return line.strip() if line.strip() else ""


def _introduction(lines: list[str], source: str) -> list[Found]:
    title, first, fenced, comment = "", 0, False, False
    paragraph: list[str] = []
    for index, line in enumerate(lines[:200]):
        fenced ^= line.startswith(("```", "~~~"))
        comment = (comment or line.startswith("<!--")) and "-->" not in line
        under = lines[index + 1] if index + 1 < len(lines) else ""
        if not title and (line.startswith("# ") or (line and re.fullmatch(r"[=~#*-]{3,}", under))):
            title, first = line.lstrip("# "), first or index + 1
        elif _is_words(line) and not fenced and not comment:
            if not paragraph:
                first = index + 1
            paragraph.append(line)
        elif paragraph:
            if len(" ".join(paragraph)) >= 25 and not _META.match(paragraph[0]):
                break
            paragraph = []  # a slogan or a menu of links; what follows says more
    body = " ".join(paragraph)
    body = re.sub(r"\[([^\[\]]{0,200})\](?:\([^()]{0,400}\)|\[[^\[\]]{0,80}\])", r"\1", body)
    body = re.sub(r"`([^`]{0,200}?)\s*<[^<>`]{0,300}>`_{1,2}", r"\1", body)  # a link of reStructuredText
    body = re.sub(r"\[([^\[\]]{1,80})\](?!\()", r"\1", body.replace("**", ""))
    said = [prose(title, 100), prose(re.sub(r"[:;,]? \d\. ", "; ", body), 300)]
    if said[0] and said[1].lower().startswith(said[0].lower()):
        said = said[1:]
    joint = " " if said[0].endswith(("?", ".", "!", ":")) else ": "
    text = joint.join(part for part in said if part)
    return [Found("about", text, f"{source}:{first}", 1)] if text else []


def _told(lines: list[str], raw: list[str], source: str) -> list[Found]:
    found: dict[str, Found] = {}
    doing = fenced = cloned = elsewhere = False
    for number, line in enumerate(lines, 1):
        cloned |= "git clone" in line
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (head := _HEAD.match(line)) and (head[1] or _ruled(lines, number)):
            doing = bool(_DOING.search(line))
            cloned = elsewhere = False
        elif doing and not cloned and _LEAVES.search(line):
            elsewhere = True  # what follows is not run in this project's own folder
        elif doing and not elsewhere and (run := _RUNS.match(line)):
            if not (fenced or raw[number - 1].startswith(("    ", "\t")) or line[:2] in ("$ ", "% ", "> ")):
                continue  # a sentence may begin with "make sure", too
            said = re.sub(r"\s+#.*", "", run[1]).strip()
            order = 3 if re.search(r"\btests?\b", said) else 7 if _GETS.match(said) else 5
            found.setdefault(
                said, Found("commands", f"README: {code(said, 90)}", f"{source}:{number}", order)
            )
    return sorted(found.values(), key=lambda one: one.rank)[:4]


def _ruled(lines: list[str], number: int) -> bool:
    return number < len(lines) and bool(re.fullmatch(r"[=~\-^*]{3,}", lines[number]))


def licence(text: str, source: str) -> list[Found]:
    flat = " ".join(text[:4000].split())
    for words, name in _LICENCES:
        if words.lower() in flat.lower():
            return [Found("licence", name, source)]
    return []


def ports(text: str, source: str) -> list[Found]:
    """Ports that a line states as a number, each with its line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) < 400 and (match := _PORT.search(line)) and 1 <= int(match[1]) <= 65535:
            found.append(Found("ports", f"{match[1]}: {code(line, 100)}", f"{source}:{number}"))
    return found[:2]


def readme_ports(text: str, source: str) -> list[Found]:
    """Ports at which something answers by the README's words or output: not those in examples of code."""
    found, fence = [], ""
    for number, line in enumerate(text[:MOST_BYTES].splitlines()[:_MOST_LINES], 1):
        if (mark := line.strip()).startswith(("```", "~~~")):
            fence = "" if fence else mark
        elif fence.strip("`~ ").partition(" ")[0].lower() in _SHELLS and (match := _AT.search(line[:400])):
            found.append(Found("ports", f"{match[1]}: {code(line, 100)}", f"{source}:{number}", 6))
    return found[:2]


def _is_words(line: str) -> bool:
    plain = not line.startswith(
        ("#", "```", "---", "===", "|", "![", "[![", "..", ":", "- ", "* ", "+ ", "<", "[!")
    )
    links = re.sub(r"\[[^\[\]]{0,200}\](?:\([^()]{0,400}\)|\[[^\[\]]{0,80}\])?", "", line)
    if re.match(r"[^\[]*\]\(http", line):
        return False  # the rest of a badge
    return plain and len(re.findall(r"[^\W\d_]", links)) >= min(12, len(re.findall(r"[^\W\d_]", line)) or 1)
