"""`edit`: one place of a file replaced, found even when the model copied it inexactly."""

from __future__ import annotations

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import files
from orchestrator.tools.matching import Match, NoPlace, find
from orchestrator.tools.text import clean, numbered, shorten
from orchestrator.tools.write import Change, Writer, tidy
from orchestrator.types import Parameter, Preview, ToolCall, ToolResult, ToolSpec


class Edit:
    spec = ToolSpec(
        "edit",
        "change text in a file",
        (
            Parameter("path", "relative to the project"),
            Parameter("old", "text as it is now"),
            Parameter("new", "text instead"),
        ),
        "write",
    )

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def preview(self, call: ToolCall) -> Preview:
        change = self._plan(call)
        return Preview(f"edit {change.shown}", change.diff)

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        return self._writer.make(self._plan(call))

    def _plan(self, call: ToolCall) -> Change:
        old, new = str(call.arguments["old"]), str(call.arguments["new"])
        path = self._writer.target(call.arguments["path"])
        shown = files.relative(self._writer.root, path)
        data = files.read_bytes(path, shown) if path.exists() else None
        if not old.strip():
            if data:
                raise ToolError(
                    f"old is empty, but {shown} is not.", "Give the lines to replace as old, or use write."
                )
            content = tidy(new, path)
            return Change(path, shown, None if data is None else "", content, files.Text("").encode(content))
        if data is None:
            raise ToolError(f"{shown} does not exist.", "Use search to find the file, or write to create it.")
        if files.is_binary(data):
            raise ToolError(f"{shown} is binary and cannot be edited.", "Choose a text file.")
        if old == new:
            raise ToolError(
                "old and new are the same, so nothing would change.", "Give the changed text as new."
            )
        was = files.decode(data)
        match = _place(was.content, old, new, shown)
        content = splice(was.content, match)
        if content == was.content:
            raise ToolError(
                f"{shown} already reads like new; nothing was changed.", "Go on with the next step."
            )
        return Change(path, shown, was.content, content, was.encode(content), match.said)


def _place(content: str, old: str, new: str, shown: str) -> Match:
    try:
        return find(content.replace("\r\n", "\n"), old.replace("\r\n", "\n"), new.replace("\r\n", "\n"))
    except NoPlace as error:
        if error.lines:
            at = ", ".join(map(str, error.lines[:10]))
            raise ToolError(
                f"old occurs {len(error.lines)} times in {shown}, at lines {at}.",
                "Add the lines around it to old, so that it is unique.",
            ) from error
        region = numbered([shorten(clean(line)) for line in error.nearest], error.first)
        hint = (
            f"The nearest lines are:\n{region}\nCopy old from these."
            if region
            else "Use read to see the file."
        )
        raise ToolError(f"old was not found in {shown}.", hint) from error


def splice(content: str, match: Match) -> str:
    """Replace the match, which was found with LF line ends, in `content` with whatever ends it has."""
    ends = content.count("\r\n") * 2 > content.count("\n")
    new = match.new.replace("\n", "\r\n") if ends else match.new
    return content[: _offset(content, match.start)] + new + content[_offset(content, match.end) :]


def _offset(content: str, position: int) -> int:
    """Where a position of the text with LF line ends lies in `content`."""
    if "\r\n" not in content:
        return position
    before = 0
    found = content.find("\r\n")
    while found >= 0 and found - before < position:
        before += 1
        found = content.find("\r\n", found + 2)
    return position + before
