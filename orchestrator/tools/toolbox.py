"""The tools of one project behind one door, which forgives what small models get wrong."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.checkpoints.commands import Watched
from orchestrator.checkpoints.store import Checkpoints, Limits
from orchestrator.config import ToolSettings
from orchestrator.errors import OrchError, ToolError
from orchestrator.ports import OutputSink, Tool
from orchestrator.tools import files
from orchestrator.tools.asked import Asked
from orchestrator.tools.command import NO_OUTPUT, Commands, TerminalSize
from orchestrator.tools.edit import Edit
from orchestrator.tools.failed import hint, misjudged, wrongly_called
from orchestrator.tools.git import GitTool
from orchestrator.tools.jobs import Jobs
from orchestrator.tools.note import Note
from orchestrator.tools.places import knows
from orchestrator.tools.read import Read
from orchestrator.tools.recall import RecallTool
from orchestrator.tools.run import Run
from orchestrator.tools.sandbox import Sandbox
from orchestrator.tools.search import Search
from orchestrator.tools.seen import Seen
from orchestrator.tools.shell import Shell
from orchestrator.tools.text import cap, clean, count
from orchestrator.tools.write import Write, Writer
from orchestrator.types import Effect, Parameter, Preview, ToolCall, ToolResult, ToolSpec

_SYNONYMS = {
    "path": (
        "file",
        "filename",
        "file_path",
        "filepath",
        "file_name",
        "folder",
        "directory",
        "dir",
        "target",
    ),
    "pattern": ("query", "regex", "text", "term", "search", "q", "keyword", "string", "name"),
    "content": ("text", "contents", "data", "body", "code"),
    "old": ("old_string", "old_str", "old_text", "search", "find", "before", "original"),
    "new": ("new_string", "new_str", "new_text", "replace", "replacement", "after"),
    "code": ("python", "script", "source", "command", "content", "text"),
    "command": ("cmd", "commands", "args", "arguments", "line", "script", "code", "text"),
    "query": ("question", "pattern", "text", "topic", "q", "words"),
    "kind": ("type", "category"),
    "text": ("content", "note", "message", "body"),
    "because": ("reason", "why", "rationale"),
    "start": ("start_line", "from", "line", "offset", "first"),
    "end": ("end_line", "to", "last", "until"),
}
_NOT_FOUND = 127
"""Exit code of the shell where there is no such program."""
_ALL_FILES = re.compile(r"(?<!\S)(?:-[a-zA-Z]*[aA][a-zA-Z]*|--all|--hard|\.|stash(?: push)?$)(?!\S)")
"""Arguments of git that stand for every file."""
_QUOTED = re.compile(r"([\"']).*?\1", re.DOTALL)
_ONLY_GIT = re.compile(r"\s*git\s+[a-z][^|&;<>$`\n]*")
"""A command line that calls git and nothing else."""
_TOOL_SYNONYMS = {
    "grep": "search",
    "find": "search",
    "cat": "read",
    "open": "read",
    "ls": "read",
    "list": "read",
    "read_file": "read",
    "write_file": "write",
    "create": "write",
    "replace": "edit",
    "str_replace": "edit",
    "python": "run",
    "bash": "shell",
    "sh": "shell",
    "terminal": "shell",
    "remember": "note",
    "memory": "recall",
    "history": "recall",
}


class Toolbox:
    """All tools of one project. `notes` records a note and returns its citation; `recall` finds what was
    said about something, as text.

    With `terminal`, commands run in a pseudo-terminal of that size: their output is streamed as a
    terminal gets it, and results hold what is left to read.
    """

    def __init__(
        self,
        project_root: Path,
        *,
        sandbox: Sandbox,
        settings: ToolSettings,
        notes: Callable[[ToolCall], str],
        checkpoints: Path,
        terminal: TerminalSize | None = None,
        recall: Callable[[str], str] = lambda _: "",
    ) -> None:
        root = project_root.resolve()
        commands = Commands(root, sandbox, settings.timeout_s, terminal)
        self._seen = seen = Seen()
        self._root = root
        limits = Limits(settings.checkpoint_bytes, settings.checkpoint_file_bytes)
        self.checkpoints = Checkpoints(root, checkpoints, limits)
        self._asked = asked = Asked()
        writer = Writer(root, self.checkpoints, seen, asked)
        self._edit = Edit(writer)
        self.jobs = Jobs(root, sandbox, terminal=terminal)
        shell = Shell(commands, self.jobs)
        self._run = Run(root, commands, shell)
        self._git = GitTool(root, sandbox, commands, asked)
        self._watched = Watched(self.checkpoints, self.git_wrap)
        self._commands = commands
        self._limit = settings.output_chars
        self._sandbox = sandbox
        tools: tuple[Tool, ...] = (
            Search(root, settings.output_chars, asked),
            Read(root, settings.output_chars, seen, asked),
            Write(writer),
            self._edit,
            self._run,
            shell,
            self._git,
            RecallTool(recall),
            Note(notes),
        )
        self._tools = {tool.spec.name: tool for tool in tools}

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    @property
    def sandbox(self) -> str:
        """What confines commands: "bwrap" or "none"."""
        return self._sandbox.tier

    def begin(self, prompt: str) -> None:
        """What the tools do for this turn may depend on its words: where they look, what they forgive."""
        self._asked.begin(prompt)
        self._edit.begin()

    def knows(self, prompt: str) -> bool:
        """Whether the prompt names a file of the project, or something that stands in one."""
        asked = Asked()
        asked.begin(prompt)
        return knows(self._root, asked)

    def effect(self, call: ToolCall) -> Effect:
        """What this call would do. An unknown tool or refused git does nothing: it counts as a read."""
        try:
            tool = self._tool(call)
        except ToolError:
            return "read"
        if not isinstance(tool, GitTool | Shell):
            return tool.spec.effect
        try:
            return tool.effect(self._understand(call)[1])
        except ToolError:
            return "read" if tool is self._git else tool.spec.effect

    def named(self, call: ToolCall) -> str:
        """As rules know it: what a person denies as `shell` is no `run` either."""
        tool = self._known(call)
        with contextlib.suppress(ToolError):
            if tool is self._run and self._run.is_command(self._understand(call)[1]):
                return Shell.spec.name
        return tool.spec.name if tool else call.name

    def open_network(self) -> None:
        """For the next call, and no other."""
        self._commands.network = True

    def git_wrap(self, argv: list[str]) -> list[str]:
        """Confines a git that only reads; for `Repository.find(root, toolbox.git_wrap)`."""
        return self._git.wrap_reading(argv)

    def look(self) -> ToolCall | None:
        """What should have been read before the call that was just refused; a small file, or nothing."""
        wanted, self._seen.wanted = self._seen.wanted, None
        return ToolCall("read", {"path": files.relative(self._root, wanted)}) if wanted else None

    def refusal(self, call: ToolCall) -> str:
        """Why the call must fail as it stands; empty when it may work."""
        self._seen.wanted = None
        try:
            tool, understood = self._understand(call)
            tool.preview(understood)
        except OrchError as error:
            return str(error)
        except (OSError, UnicodeError) as error:
            return _failed(call, error)
        if spared := self._spared(tool, understood):
            return f"The user wants {spared} to stay as it is. Name only the files that are to change."
        return ""

    def told(self) -> None:
        """The model hears what `refusal` said of its newest call; some refusals are made once."""
        self._asked.told()

    def _spared(self, tool: Tool, call: ToolCall) -> str:
        """A file that the prompt wants to stay as it is and that this call would change."""
        if not self._asked.wording.kept or self.effect(call) == "read":
            return ""
        if tool.spec.effect == "write":
            return self._asked.spared(str(call.arguments.get("path")))
        command = str(call.arguments.get("command", ""))
        if tool is self._git:
            command = _QUOTED.sub("", command)  # a message may name any file
            return self._asked.spared(command, all_files=bool(_ALL_FILES.search(command)))
        return self._asked.spared(command) if "deletes" in tool.preview(call).labels else ""

    def narrowed(self, spec: ToolSpec) -> ToolSpec:
        """`spec`, or after an edit that found no place: its file, and the lines that are in it."""
        return self._edit.narrowed() or spec if spec.name == self._edit.spec.name else spec

    def preview(self, call: ToolCall) -> Preview:
        """What a person is asked to approve. Raises nothing: a call that would fail says how."""
        try:
            tool, understood = self._understand(call)
            return tool.preview(understood)
        except OrchError as error:
            return Preview(call.name, str(error))

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        """Run the call. What the model did wrong is a result with `ok` False, never an exception."""
        started = time.monotonic()
        self._asked.made()
        try:
            tool, understood = self._understand(call)
            if self.effect(call) == "command":
                result = await self._command(tool, understood, sink)
            else:
                result = self._counted(tool, understood, await tool.run(understood, sink))
        except OrchError as error:
            self._asked.told()
            result = ToolResult(False, str(error))
        except (OSError, UnicodeError) as error:
            result = ToolResult(False, _failed(call, error))
        finally:
            self._commands.network = False  # it was for this call, whether a command came of it or not
        text, cut = cap(clean(result.text), self._limit)
        self._quotable(call, result)
        spent = int((time.monotonic() - started) * 1000)
        return replace(result, text=text, truncated=cut or result.truncated, duration_ms=spent)

    def quote(self, answer: str) -> str:
        """What the tools saw of the prompt's matter and `answer` leaves out, as lines of Markdown."""
        return self._asked.quotes.missing(answer)

    def _quotable(self, call: ToolCall, result: ToolResult) -> None:
        if result.changed and result.exit_code is None:
            self._asked.quotes.clear()
        elif result.exit_code is not None and self._known(call) is not self._git:
            command = str(call.arguments.get("command", "")) if call.name == Shell.spec.name else "Python"
            self._asked.quotes.output(command, result.text if result.ok else "")

    async def _command(self, tool: Tool, call: ToolCall, sink: OutputSink) -> ToolResult:
        """Run a command; what it changed goes into checkpoints, however it ended."""
        before = await asyncio.to_thread(self._watched.before)
        try:
            result = await tool.run(call, sink)
            result = self._explained(tool, call, result)
        except BaseException:
            self._watched.after(before, call.name)
            raise
        try:
            changed = await asyncio.to_thread(self._watched.after, before, call.name)
        except ToolError as error:  # it has run, whatever can be kept of it
            return replace(result, text=f"{result.text}\n[{error.message}]")
        return replace(result, changed=tuple(changed))

    def _explained(self, tool: Tool, call: ToolCall, result: ToolResult) -> ToolResult:
        """A failure with what the project says about it."""
        if result.ok or result.exit_code is None or tool is self._git:
            return result
        code = " ".join(map(str, call.arguments.values()))
        if tool is self._run and (data := misjudged(self._root, code, result.text)):
            self._seen.want(self._root / data)
        said = hint(self._root, code, result.text)
        again = wrongly_called(result.text) or result.exit_code == _NOT_FOUND
        return replace(result, text=f"{result.text}\n{said}".rstrip("\n"), again=again)

    def _counted(self, tool: Tool, call: ToolCall, result: ToolResult) -> ToolResult:
        """A listing of git ends with its length where the prompt asks how many."""
        if (
            tool is not self._git
            or not self._asked.wording.counts
            or not result.ok
            or result.text == NO_OUTPUT
        ):
            return result
        noun = "commit" if re.match(r"\s*(git )?log\b", str(call.arguments.get("command"))) else "line"
        return replace(result, text=f"{result.text}\n({count(result.text.count(chr(10)) + 1, noun)})")

    def forget_seen(self) -> None:
        """What was read is not in the model's window any more."""
        self._seen.clear()

    def _understand(self, call: ToolCall) -> tuple[Tool, ToolCall]:
        """The tool that was meant, and the call with its own argument names and types."""
        tool = self._tool(call)
        return tool, ToolCall(tool.spec.name, arguments(tool.spec, dict(call.arguments)))

    def _tool(self, call: ToolCall) -> Tool:
        tool = self._known(call)
        if tool is None:
            raise ToolError(f"There is no tool {call.name[:50]!r}.", f"Use one of: {', '.join(self._tools)}.")
        return tool

    def _known(self, call: ToolCall) -> Tool | None:
        name = call.name.strip().lower()
        if name == Shell.spec.name and _ONLY_GIT.fullmatch(str(call.arguments.get("command", ""))):
            return self._git  # commands cannot write to .git, the tool can
        return self._tools.get(name) or self._tools.get(_TOOL_SYNONYMS.get(name, ""))


def _failed(call: ToolCall, error: Exception) -> str:
    return f"{call.name} failed: {error}. Try another way."


def arguments(spec: ToolSpec, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments by the spec's names and types. Raises `ToolError` naming what is missing."""
    named = {name.strip().lower(): value for name, value in given.items()}
    taken = {
        parameter.name: named.pop(parameter.name) for parameter in spec.parameters if parameter.name in named
    }
    for parameter in spec.parameters:
        if parameter.name not in taken:
            synonym = next((name for name in _SYNONYMS.get(parameter.name, ()) if name in named), None)
            if synonym is not None:
                taken[parameter.name] = named.pop(synonym)
    missing = [p for p in spec.parameters if p.required and taken.get(p.name) is None]
    if len(missing) == 1 and len(named) == 1:  # one value without a known name can only be this one
        taken[missing[0].name] = named.popitem()[1]
        missing = []
    if missing:
        raise ToolError(
            f"{spec.name} needs {' and '.join(p.name for p in missing)}.", f"Call {_usage(spec)}."
        )
    return {p.name: _typed(spec, p, taken[p.name]) for p in spec.parameters if taken.get(p.name) is not None}


def _typed(spec: ToolSpec, parameter: Parameter, value: Any) -> str | int:
    if parameter.type == "integer":
        try:
            return int(str(value).strip().strip("L"))
        except ValueError as error:
            raise ToolError(
                f"{parameter.name} must be a number, not {str(value)[:50]!r}.", f"Call {_usage(spec)}."
            ) from error
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ("\n" if parameter.name in ("content", "old", "new", "code") else " ").join(value)
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, indent=2, ensure_ascii=False)
    return str(value)


def _usage(spec: ToolSpec) -> str:
    return f"{spec.name}({', '.join(p.name if p.required else p.name + '?' for p in spec.parameters)})"
