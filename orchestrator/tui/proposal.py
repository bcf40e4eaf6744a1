"""What the approval panel shows of a call, and what of it may be edited. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from textual.content import Content

from orchestrator.terminal import plain, visible
from orchestrator.tui.unified import Row, diff_rows, text_rows
from orchestrator.types import Preview, ToolCall

EDITABLE = ("content", "new", "command", "code")
"""Arguments that a person may change, by the names of the tools' own specs."""
EDITABLE_CHARS = 200_000
TITLE_CHARS = 300
SHORT_PATH = 40
"""Cells that the title has room for on 80 columns."""
NOTHING = Row("meta", "No line changes.")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call that waits for a yes, with its preview."""

    call: ToolCall
    preview: Preview

    @property
    def title(self) -> str:
        return visible(self.preview.title[:TITLE_CHARS], lines=False)

    @property
    def tool(self) -> str:
        """The tool's name, short enough for a key's label."""
        name = visible(self.call.name[:20], lines=False)
        return name if len(name) <= 12 else name[:11] + "…"

    def rows(self) -> list[Row]:
        """The whole preview. The two lines that name the file are left out where the title says it all."""
        body = visible(self.preview.body)
        if not self.preview.title.startswith(("write ", "edit ")) or not body.startswith("--- "):
            return text_rows(body) or [NOTHING]
        path = self.preview.title.partition(" ")[2]
        rows = diff_rows(body)
        named = [row.text for row in rows[:2]] == [f"--- a/{path}", f"+++ b/{path}"]
        return rows[2:] if named and cell_len(path) <= SHORT_PATH else rows

    def argument(self) -> str:
        """The argument that may be edited; empty when none can be."""
        texts = [name for name, value in self.call.arguments.items() if isinstance(value, str)]
        found = next((name for name in EDITABLE if name in texts), "")
        if not found and len(self.call.arguments) == 1 and texts:
            found = texts[0]  # a model's own name for the only one
        return found if found and len(self.call.arguments[found]) <= EDITABLE_CHARS else ""

    def editable(self) -> str:
        """The text to edit; what would not be seen in it is left out, since what is seen will run."""
        return plain(self.call.arguments[self.argument()])

    def edited(self, text: str) -> ToolCall:
        """The call with this text as its editable argument."""
        return replace(self.call, arguments={**self.call.arguments, self.argument(): text})


def frame_title(proposal: Proposal, width: int, line: str) -> Content:
    """`write a.py ── in this project · sandboxed` over `width` cells; `line` is the style of the line."""
    where = _where(proposal, "in this project · sandboxed")
    if where.cell_length + 14 > width:
        where = _where(proposal, "sandboxed")
    title = Content.styled(proposal.title, "bold")
    room = width - where.cell_length - 4
    title = title.truncate(max(room, 8), ellipsis=True)
    gap = max(width - title.cell_length - where.cell_length - 2, 1)
    return Content.assemble(title, " ", ("─" * gap, line), " ", where)


def _where(proposal: Proposal, safe: str) -> Content:
    """What it seems to do, and whether it is confined; first what must not be cut off on a narrow screen."""
    labels = " · ".join(proposal.preview.labels)
    if proposal.preview.sandboxed:
        return Content.assemble((f"{labels} · " if labels else "", "$text-warning"), safe)
    return Content.assemble(
        ("NOT sandboxed", "bold $text-error"), (f" · {labels}" if labels else "", "$text-warning")
    )


def answer_keys(proposal: Proposal) -> Sequence[tuple[str, str]]:
    """(key, what it does), in the order of the key row."""
    keys = [("y", "yes"), ("n", "no"), ("r", "no, because…")]
    if proposal.argument():
        keys.append(("e", "edit"))
    if proposal.preview.network:
        keys.append(("w", "yes, with network"))
    scope = "project" if proposal.preview.sandboxed else "session"
    return [*keys, ("a", f"always {proposal.tool} in this {scope}"), ("v", "view")]


def length(rows: Sequence[Row]) -> str:
    """`1,204 lines`; of one line its characters."""
    if len(rows) > 1:
        return f"{len(rows):,} lines"
    return f"{sum(len(row.text) for row in rows):,} characters"
