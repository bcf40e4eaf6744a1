"""How a tool call looks as text, both ways. Pure.

The house dialect is one flat JSON object, `{"tool":"read","path":"a.py"}`; a final answer is the
call `{"tool":"answer","text":"…"}`. With llama.cpp a GBNF grammar makes anything else impossible.
`parse` accepts four more spellings from any model: `{"name": …, "arguments": {…}}`, the same inside
`<tool_call>…</tool_call>` or a fenced block, and lines (`search: QuotaExceeded`, `write: a.py` with
the content below). Calls that a server returns as data go through `native`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.types import ANSWER, Parameter, ToolCall, ToolSpec

OPENING = '{"tool":"'
"""What every house-dialect call starts with: given to the model, never generated."""

ANSWER_SPEC = ToolSpec(ANSWER, "reply to the user", (Parameter("text"),), "answer")


def describe(specs: Sequence[ToolSpec]) -> str:
    """The tools as lines of a system prompt: name, arguments, what for."""
    lines = []
    for spec in specs:
        names = [p.name + ("" if p.required else "?") for p in spec.parameters]
        lines.append(f"{spec.name}({', '.join(names)}): {spec.description}")
    return "\n".join(lines)


def render(call: ToolCall) -> str:
    """The call as the model would have written it, `OPENING` included."""
    return json.dumps({"tool": call.name, **call.arguments}, ensure_ascii=False, separators=(",", ":"))


# --- grammar ------------------------------------------------------------------------------------

# Line ends and tabs may stand in a string as they are: a small model that may not write one ends its answer.
_GRAMMAR_TAIL = r"""
string ::= "\"" char* "\""
filled ::= "\"" char+ "\""
said ::= "\"" (char | "\"" [^"}\\\x00-\x1F\x7F])* last "\""
last ::= [^":\\\x00-\x08\x0B-\x1F\x7F] | "\\" ["\\/bfnrt]
char ::= [^"\\\x00-\x08\x0B-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" hex hex hex hex)
loose ::= "\"" (char | quote)* "\""
quote ::= "\"" ([^"}`\\\x00-\x08\x0B-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" hex hex hex hex) | quote)
hex ::= [0-9a-fA-F]
integer ::= [1-9] [0-9]? [0-9]? [0-9]? [0-9]? [0-9]?
"""
_LOOSE = frozenset({"content", "new", "code", "command"})
"""Arguments that come last and hold code: small models do not escape quotes in it, so only `"}` ends them."""
_MAY_BE_EMPTY = frozenset({"content", "new", "old"})


def grammar(choices: Sequence[ToolSpec]) -> str:
    """GBNF for what follows `OPENING`: one of `choices`, arguments in their declared order."""
    rules = [f"root ::= {' | '.join(_rule_name(spec) for spec in choices)}"]
    for spec in choices:
        body = "".join(_argument_rule(parameter, spec) for parameter in spec.parameters)
        rules.append(f'{_rule_name(spec)} ::= {_literal(spec.name + chr(34))}{body} "}}"')
    return "\n".join(rules) + _GRAMMAR_TAIL


def _rule_name(spec: ToolSpec) -> str:
    return f"call-{spec.name}"


def _argument_rule(parameter: Parameter, spec: ToolSpec) -> str:
    key = _literal(f',"{parameter.name}":')
    if parameter.choices:
        value = "(" + " | ".join(_literal(_json(choice)) for choice in parameter.choices) + ")"
    elif parameter.type == "integer":
        value = "integer"
    elif parameter == ANSWER_SPEC.parameters[0]:
        value = "said"  # small models quote without escaping: only `"}` ends an answer
    elif parameter.name in _LOOSE and parameter is spec.parameters[-1]:
        value = "loose"
    else:
        value = "string" if parameter.name in _MAY_BE_EMPTY else "filled"
    return f" {key} {value}" if parameter.required else f" ({key} {value})?"


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- parsing ------------------------------------------------------------------------------------


def parse(text: str, specs: Sequence[ToolSpec]) -> ToolCall | None:
    """The first call in `text`, in whatever dialect, or None: then it is a plain answer."""
    for candidate in _json_candidates(text):
        if call := _from_object(_loads(candidate), specs):
            return call
    return _unescaped(text, specs) or _from_lines(text, specs)


def native(name: str, arguments: Mapping[str, Any] | str, specs: Sequence[ToolSpec]) -> ToolCall:
    """A call that a server returned as data; `arguments` may still be JSON text."""
    if isinstance(arguments, str):
        arguments = _loads(arguments) or {}
    return ToolCall(name, _typed(name, dict(arguments), specs))


def _json_candidates(text: str) -> list[str]:
    found = re.findall(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|$)", text, re.DOTALL)
    found += re.findall(r"```(?:json|tool_call)?[ \t]*\n\s*(\{.*?\})\s*```", text, re.DOTALL)
    stripped = text.strip()
    return found + ([stripped] if stripped.startswith("{") else [])


def _loads(text: str) -> dict[str, Any] | None:
    """The object `text` starts with; literal newlines and one missing end are forgiven."""
    decoder = json.JSONDecoder(strict=False)
    for end in ("", "}", '"}', "}}", '"}}'):
        try:
            value, _ = decoder.raw_decode(text + end)
        except (ValueError, RecursionError):
            continue
        return value if isinstance(value, dict) else None
    return None


def _unescaped(text: str, specs: Sequence[ToolSpec]) -> ToolCall | None:
    """A call whose last argument holds quotes without escapes, as the grammar lets it."""
    for spec in specs:
        last = spec.parameters[-1].name if spec.parameters else ""
        if last not in _LOOSE or not text.startswith(f'{OPENING}{spec.name}"'):
            continue
        head, key, rest = text.partition(f',"{last}":"')
        given = _loads(head + "}")
        if not key or given is None or not rest.rstrip().endswith('"}'):
            continue
        inner = rest.rstrip().removesuffix('"}')
        quoted = re.sub(r'(\\.)|"', lambda match: match[1] or '\\"', inner, flags=re.DOTALL)
        value = _loads(f'{{"value":"{quoted}"}}')
        if value is not None:
            return _from_object(given | {last: value["value"]}, specs)
    return None


def _strict(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _from_object(value: dict[str, Any] | None, specs: Sequence[ToolSpec]) -> ToolCall | None:
    if not value:
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name = value.get("tool") or value.get("name")
    if not isinstance(name, str):
        return None
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        arguments = _loads(arguments)
    if isinstance(arguments, dict):
        return ToolCall(name, _typed(name, arguments, specs))
    if "tool" not in value and name not in {spec.name for spec in specs}:
        return None  # an object that merely has a name is somebody's answer
    rest = {k: v for k, v in value.items() if k not in ("tool", "name", "type", "id")}
    return ToolCall(name, _typed(name, rest, specs))


def _typed(name: str, arguments: dict[str, Any], specs: Sequence[ToolSpec]) -> dict[str, Any]:
    kinds = {p.name: p.type for spec in specs if spec.name == name for p in spec.parameters}
    return {key: _coerce(value, kinds.get(key, "string")) for key, value in arguments.items()}


def _coerce(value: Any, kind: str) -> Any:
    if kind == "integer":
        try:
            return int(value)
        except (TypeError, ValueError):
            return value
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


_LINE = re.compile(r"^\s*`?(\w+):[ \t]*(.*?)`?\s*$")
_EDIT_BLOCK = re.compile(r"^<{5,}[^\n]*\n(.*?)\n?={5,}\n(.*?)\n?>{5,}[^\n]*$", re.DOTALL | re.MULTILINE)


def _from_lines(text: str, specs: Sequence[ToolSpec]) -> ToolCall | None:
    """`name: first argument`, as the first line with the rest below it, or as the last line."""
    lines = text.strip("\n").split("\n")
    by_name = {spec.name: spec for spec in specs if spec.name != ANSWER}
    for first, below in ((lines[0], "\n".join(lines[1:])), (lines[-1], "")):
        match = _LINE.match(first)
        if match and (spec := by_name.get(match[1])):
            return _line_call(spec, match[2].strip(), below)
    return None


def _line_call(spec: ToolSpec, first: str, below: str) -> ToolCall | None:
    required = [p.name for p in spec.parameters if p.required]
    block = _unfenced(below)
    if len(required) == 1:
        value = first if first else block
        if spec.name == "run" and block and first:
            value = f"{first}\n{block}"
        return ToolCall(spec.name, {required[0]: value}) if value else None
    if spec.parameters[0].choices:  # note: decision we use PostgreSQL
        kind, _, rest = first.partition(" ")
        known = kind in spec.parameters[0].choices and rest
        return ToolCall(spec.name, dict(zip(required, (kind, rest), strict=True))) if known else None
    if len(required) == 2:
        return ToolCall(spec.name, {required[0]: first, required[1]: block}) if first else None
    if edit := _EDIT_BLOCK.search(below):
        return ToolCall(spec.name, dict(zip(required, (first, edit[1], edit[2]), strict=True)))
    return None


def _unfenced(text: str) -> str:
    match = re.search(r"```[^\n]*\n(.*?)(?:\n```|$)", text, re.DOTALL)
    return match[1] if match else text.strip("\n")


# --- streaming ----------------------------------------------------------------------------------

_ANSWER_START = re.compile(
    r'\s*\{\s*"(?:tool|name)"\s*:\s*"' + ANSWER + r'"\s*,\s*(?:"arguments"\s*:\s*\{\s*)?"text"\s*:\s*"'
)
_HOLD = 400  # characters after which an object that has not become an answer will not become one
_TAG = "<tool_call>"
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u....|u....|[^u])", re.DOTALL)


class Decoder:
    """Turns generated pieces into the answer's text as it comes, and into a call at the end.

    Feed it all the text, a forced `OPENING` included.
    """

    def __init__(self, specs: Sequence[ToolSpec]) -> None:
        self._specs = tuple(specs)
        self._raw = ""
        self._at = 0  # where the undecoded rest of the answer starts
        self._answer = ""
        self._in_answer = False
        self._ended = False

    def feed(self, piece: str) -> str:
        """The next piece of the answer's text; empty while the text is, or may be, a call."""
        young = len(self._raw) < _HOLD
        self._raw += piece
        if not self._in_answer and young and (match := _ANSWER_START.match(self._raw)):
            self._in_answer, self._at = True, match.end()
        new = self._json_text() if self._in_answer else self._plain_text()
        self._answer += new
        return new

    def finish(self, *, cut: bool) -> tuple[ToolCall | None, str]:
        """The call, or None and the whole answer. A call that was `cut` off is dropped."""
        if self._in_answer:
            strict = None if cut or self._ended else _from_object(_strict(self._raw), self._specs)
            return None, str(strict.arguments["text"]) if strict else self._answer
        if cut and self._looks_like_call():
            return None, ""
        call = parse(self._raw, self._specs)
        if call is None:
            return None, self._raw.strip()
        if call.name == ANSWER:
            return None, str(call.arguments.get("text", ""))
        return call, ""

    def _json_text(self) -> str:
        out = []
        while not self._ended and self._at < len(self._raw):
            char = self._raw[self._at]
            if char == '"':
                after = self._raw[self._at + 1 :].lstrip()
                if not after:
                    break  # whether this ends the answer shows with what follows
                if after.startswith("}"):
                    self._ended = True
                else:
                    out.append(char)
                    self._at += 1
            elif char != "\\":
                stop = min(i for i in (self._find('"'), self._find("\\")) if i >= 0)
                out.append(self._raw[self._at : stop])
                self._at = stop
            elif (escape := self._escape()) is None:
                break
            else:
                out.append(escape)
        return "".join(out)

    def _find(self, char: str) -> int:
        found = self._raw.find(char, self._at)
        return found if found >= 0 else len(self._raw)

    def _escape(self) -> str | None:
        """The character of the escape at the position, None while it is incomplete."""
        match = _ESCAPE.match(self._raw, self._at)
        if match is None:
            return None
        text = match[0]
        if re.match(r"\\u[dD][89abAB]..$", text):
            rest = self._raw[match.end() : match.end() + 6]
            if len(rest) < 6 and r"\u".startswith(rest[:2]):
                return None  # its low surrogate may still come
        self._at = match.end()
        try:
            value = str(json.loads(f'"{text}"'))
        except ValueError:
            return text[1:]
        return value.encode("utf-8", "replace").decode("utf-8")

    def _looks_like_call(self) -> bool:
        start = self._raw.lstrip()
        if start.startswith("{") or "<tool_call>" in start:
            return True
        match = _LINE.match(start.split("\n", 1)[0])
        return bool(match and match[1] in {spec.name for spec in self._specs})

    def _plain_text(self) -> str:
        """Text of a model that answers without JSON, held back where a call may begin."""
        start = self._raw.lstrip()
        if not start or self._looks_like_call() or start.startswith("```"):
            return ""
        if "\n" not in start and re.match(r"`?\w*:?$", start):
            return ""  # may become `search: …`
        found = self._raw.find(_TAG, self._at)
        end = found if found >= 0 else len(self._raw) - self._partial_tag()
        new, self._at = self._raw[self._at : end], max(self._at, end)
        return new

    def _partial_tag(self) -> int:
        """How many characters at the end may be the start of a tag."""
        return next((n for n in range(len(_TAG) - 1, 0, -1) if self._raw.endswith(_TAG[:n])), 0)
