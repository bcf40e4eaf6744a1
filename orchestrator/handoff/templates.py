"""Jinja2 templates of the documents, and a project's own in `.orchestrator/templates/`.

A project is untrusted, and so are its templates: they may place values, test them and loop over
them two deep, and nothing else. That leaves no way to reach Python or to run for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.documents import files
from orchestrator.documents.tiers import Warn, warn_in_log
from orchestrator.errors import DocumentError
from orchestrator.paths import PROJECT_FOLDER

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

BRIEFING = "session_briefing.md.j2"
ENTRY = "session_log_entry.md.j2"
PROJECT = "project_context.md.j2"
PORTFOLIO = "portfolio_context.md.j2"
AGENTS = "agents.md.j2"

_MAX_BYTES = 16 * 1024
_MAX_OUTPUT = 256 * 1024
_TEXT = ("Template", "Output", "TemplateData", "Name", "Const", "Getattr", "Getitem", "Filter", "Concat")
_LOGIC = ("If", "For", "CondExpr", "Test", "Compare", "Operand", "And", "Or", "Not")
_ALLOWED = frozenset((*_TEXT, *_LOGIC))
_BEFORE_FACT = re.compile(r"^(.*?)\{\{-?\s*[\w.]+\.line\s*-?\}\}", re.MULTILINE)
_ANY_VALUE = r"[^\[\]\n]{0,60}"
_FILTERS = ("trim", "length", "first", "last", "default", "upper", "lower", "join")


class Templates:
    """The templates of one project; `root` None: the built-in ones only."""

    def __init__(self, root: Path | None = None, warn: Warn = warn_in_log) -> None:
        self._root = root
        self._warn = warn

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of template `name`. A project's template that fails is left for the built-in."""
        try:
            if own := self._own(name):
                return _render(own, values)
        except DocumentError as error:
            self._warn(f"{PROJECT_FOLDER}/templates/{name} is not used: {error}")
        return _render(built_in(name), values)

    def prefixes(self, name: str) -> tuple[re.Pattern[str], ...]:
        """What the template writes before a fact on its line: `- `, `**Next step**: `, `3. `."""
        try:
            source = self._own(name) or built_in(name)
        except DocumentError:
            source = built_in(name)
        found = (match[1] for match in _BEFORE_FACT.finditer(source))
        return tuple(re.compile(_pattern(before)) for before in dict.fromkeys(found))

    def _own(self, name: str) -> str:
        if self._root is None:
            return ""
        path = self._root / PROJECT_FOLDER / "templates" / name
        data = files.read(path, (self._root,), _MAX_BYTES + 1) or b""
        if len(data) > _MAX_BYTES:
            raise DocumentError("It is larger than 16 KiB.", "Shorten it.")
        return data.decode("utf-8", "replace")


def _pattern(before: str) -> str:
    """Literal text as it stands, values as anything short without brackets, statements as nothing."""
    literal = re.split(r"\{\{.*?\}\}", re.sub(r"\{%.*?%\}", "", before).strip())
    return _ANY_VALUE.join(r"\s+".join(map(re.escape, part.split(" "))) for part in literal)


def built_in(name: str) -> str:
    """Source of a template: inside the installed package, or at the top of the repository."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "handoff_templates", package.parent / "handoff_templates"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise DocumentError(f"The template {name} is not installed.", "Install orch again.")


def _render(source: str, values: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError  # 60 ms, only when something is written

    try:
        env = _environment()
        _refuse_more_than_text(env, source)
        pieces: list[str] = []
        size = 0
        for piece in env.from_string(source).generate(values):
            size += len(piece)
            if size > _MAX_OUTPUT:
                raise DocumentError("It makes more than 256 KiB of text.", "Shorten it.")
            pieces.append(piece)
    except (TemplateError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DocumentError(f"It cannot be rendered: {error}.", "Correct it, or delete it.") from error
    return "".join(pieces)


def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    env = ImmutableSandboxedEnvironment(
        autoescape=False,  # Markdown, and every value is made plain before it comes here
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    env.globals.clear()
    env.filters = {name: env.filters[name] for name in _FILTERS}
    return env


def _refuse_more_than_text(env: SandboxedEnvironment, source: str) -> None:
    from jinja2 import nodes

    def check(node: nodes.Node, depth: int) -> None:
        if type(node).__name__ not in _ALLOWED:
            raise DocumentError(f"It uses {type(node).__name__}.", "Use values, `if` and `for` only.")
        if isinstance(node, nodes.For):
            depth += 1
            if depth > 2 or node.recursive or not isinstance(node.iter, nodes.Name | nodes.Getattr):
                raise DocumentError("It loops too deep.", "Loop over given values, two deep at most.")
        for child in node.iter_child_nodes():
            check(child, depth)

    check(env.parse(source), 0)
