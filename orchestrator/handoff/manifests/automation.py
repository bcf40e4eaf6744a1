"""What a repository's automation runs: GitHub workflows, GitLab, CircleCI, Azure, Travis; by their lines.

No YAML is built from them: one pass over the lines gives each command with its line, and there is
nothing that could be nested too deep or refer to itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.documents.plain import code
from orchestrator.handoff.manifests.found import MOST_BYTES, Found

_KEY = re.compile(r"^(\s*)(?:-\s+)?(run|script|command|before_script|bash|powershell|pwsh):\s*(.*)$")
_ITEM = re.compile(r"^(\s*)-\s+(.*)$")
_WORTH = re.compile(
    r"\b(?:pytest|tox|nox|unittest|ctest|jest|vitest|mocha|rspec|phpunit|pest|phpstan|eslint|ruff|mypy|pyright"
    r"|clippy|golangci-lint|staticcheck|rubocop|credo|dialyzer|hlint|ninja|meson|bazel|xcodebuild"
    r"|(?:cargo|go|npm|pnpm|yarn|bun|mvn|mvnw|gradle|gradlew|make|just|task|mix|rake|swift|dotnet|cabal|stack|composer|deno|zig|sbt"
    r"|flutter|dart|cmake)(?=[ \t]))",
)  # fmt: skip
_TESTS = re.compile(r"\b(?:test|tests|check|pytest|tox|nox|ctest|jest|vitest|rspec|phpunit|verify)\b")
_IDLE = re.compile(
    r"\b(?:install|ci|setup|add|restore|fetch|login|publish|upload|release|deploy|cache|update|apt-get|brew|choco|clean"
    r"|require|config|deps\.\w+|deb|docs?)\b"
)  # fmt: skip
_SHELL = re.compile(
    r"^(?:if|then|else|fi|for|do|done|echo|set|export|cd|source|\w+=|#|\}|\{|\$|case|while|printf)"
)
_MOST = 3
_MOST_LINES = 20_000


def automation(text: str, name: str) -> list[Found]:
    """The commands that build or test, tests first; one for each tool and what it is told to do."""
    found: dict[str, Found] = {}
    for number, line in _commands(text[:MOST_BYTES]):
        said = re.sub(r"\s#.*", "", " ".join(line.split()))
        if len(said) > 160 or not _WORTH.search(said) or _SHELL.match(said):
            continue
        tests = bool(_TESTS.search(said))
        if _IDLE.search(said) and not tests:
            continue
        order = (4 if tests else 5) + 2 * ("$" in said or "<" in said)
        one = Found("commands", f"CI runs {code(said, 100)}", f"{name}:{number}", order)
        kind = " ".join(said.split()[:2])
        if kind not in found or (order, len(said)) < (found[kind].rank, len(found[kind].text) - 10):
            found[kind] = one
        if len(found) >= _MOST:
            break
    return sorted(found.values(), key=lambda one: one.rank)[:3]


def _commands(text: str) -> Iterator[tuple[int, str]]:
    """Lines that a shell gets, each with its number."""
    block = listed = -1  # indent of the key whose block or list this is
    for number, line in enumerate(text.splitlines()[:_MOST_LINES], 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        if block >= 0 and indent > block:
            yield number, line.strip().rstrip("\\")
            continue
        block = -1
        if listed >= 0 and (item := _ITEM.match(line)) and indent >= listed:
            said = item[2].strip()
            if said.startswith(("|", ">")):
                block = indent
            elif not re.match(r"[\w\-]+:(?:\s|$)", said):
                yield number, _unquoted(said)
            continue
        listed = -1
        if key := _KEY.match(line):
            said = key[3].strip()
            if said.startswith(("|", ">")):
                block = len(key[1])
            elif said.startswith("["):
                for part in re.findall(r"[\"']([^\"']+)[\"']", said[:2000]):
                    yield number, part
            elif said:
                yield number, _unquoted(said)
            else:
                listed = len(key[1])


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
