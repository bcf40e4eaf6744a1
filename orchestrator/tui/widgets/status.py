"""The status line: where we are, who answers, under which rules, how full the window is, how quick."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from orchestrator.terminal import one_line
from orchestrator.types import Usage

BAR = 8
NEARLY_FULL = 0.85
WARM = 0.9
"""Share of a turn's prompt tokens that came from the KV cache."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the line shows. Tokens for `used` and `size`; `usage` is of the last turn."""

    project: str = ""
    branch: str = ""
    dirty: int = 0
    model: str = ""
    mode: str = ""
    sandbox: str = ""
    sent_to: str = ""
    """The host that prompts go to; empty while they stay on this machine."""
    used: int = 0
    size: int = 0
    usage: Usage | None = None
    doing: str = ""
    """What goes on when no turn does: loading, closing; empty else."""


class StatusLine(Widget):
    """One row. A click on the project asks for another."""

    @dataclass
    class ProjectClicked(Message):
        """The user wants another project."""

    status: reactive[Status] = reactive(Status())

    def render(self) -> Content:
        return line(self.status, self.size.width)

    def on_click(self, event: Click) -> None:
        if event.x < len(one_line(self.status.project)) + 3:
            self.post_message(self.ProjectClicked())


def line(status: Status, width: int) -> Content:
    """The line at this width: what matters less goes first, the project's name is cut last."""
    for left in _places(status):
        for right in _measures(status):
            middle = _rules(status)
            free = width - left.cell_length - middle.cell_length - right.cell_length
            if free >= 4:
                gap = " " * (free // 2)
                return Content.assemble(left, gap, middle, " " * (free - len(gap)), right)
    name = Content.styled(f" {one_line(status.project, max(width // 3, 8))} ", "bold")
    return Content.assemble(name, _rules(status))


def _places(status: Status) -> list[Content]:
    name = Content.styled(f" {one_line(status.project, 40)} ▾", "bold")
    git = f" {one_line(status.branch, 24)}" if status.branch else ""
    dirty = f" ●{status.dirty}" if status.dirty else ""
    return [
        Content.assemble(name, (git, "dim"), (dirty, "$text-accent")),
        Content.assemble(name, (dirty, "$text-accent")),
        name,
    ]


def _rules(status: Status) -> Content:
    if status.doing:
        return Content.styled(one_line(status.doing, 60), "dim")
    if not status.model:
        return Content("")
    unconfined = status.sandbox == "none"
    return Content.assemble(
        (one_line(status.model, 30), ""),
        (f" → {one_line(status.sent_to, 30)}" if status.sent_to else "", "$text-warning"),
        (" · ", "dim"),
        (status.mode, "bold" if status.mode == "workspace" else ""),
        (" · ", "dim"),
        ("no sandbox" if unconfined else status.sandbox, "$text-error" if unconfined else ""),
    )


def _measures(status: Status) -> list[Content]:
    if not status.size:
        return [Content("")]
    share = min(status.used / status.size, 1.0)
    full = round(share * BAR)
    style = "$text-warning" if share >= NEARLY_FULL else "$text-accent"
    percent = Content(f" {share:.0%} ")
    meter = Content.assemble(("ctx ", "dim"), ("▓" * full, style), ("░" * (BAR - full), "dim"), percent)
    usage = status.usage
    if usage is None:
        return [meter, percent]
    cached = usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
    saved = (f"⚡{cached:.0%}", "$text-accent" if cached >= WARM else "dim")
    first = Content.assemble("  ", saved, f" {usage.time_to_first_token_ms / 1000:.1f} s")
    rate = Content(f"  {usage.tokens_per_second:.0f} tok/s ")
    return [Content.assemble(meter, first, rate), Content.assemble(meter, first), meter, percent]
