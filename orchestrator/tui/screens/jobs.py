"""Background jobs: their state, what they print, and how to end them."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from orchestrator.terminal import one_line, visible
from orchestrator.tools.jobs import Job, Jobs, span
from orchestrator.tui.unified import text_rows
from orchestrator.tui.widgets.diff import DiffView
from orchestrator.tui.widgets.key_hints import KeyHints
from orchestrator.tui.widgets.row_list import Cell, Column, Row, RowList

LOOK_S = 1.0
"""How often a job that runs is looked at while the list is open."""
COLUMNS = (
    Column(4),  # number
    Column(8),  # state
    Column(6),  # exit code
    Column(13),  # time
    Column(6, from_width=70),  # by whom
    Column(),  # command
)


class JobsScreen(ModalScreen[None]):
    """The jobs of the session that is open; what the highlighted one printed stands below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,delete", "stop", "stop"),
        Binding("enter", "view", "all of its output"),
        Binding("ctrl+down", "scroll(1)", "scroll", key_display="^↓"),
        Binding("ctrl+up", "scroll(-1)", "scroll back", show=False),
        Binding("escape,q", "close", "close", key_display="esc"),
    ]

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._shown: tuple[str, str] = ("", "")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Background jobs"
            yield RowList(COLUMNS, keys="sq")
            yield Static(id="says")
            yield DiffView()
            yield KeyHints(self.BINDINGS)

    def on_mount(self) -> None:
        self._list = self.query_one(RowList)
        self._list.focus()
        jobs = self._jobs.all()
        self._list.set_rows(map(_row, jobs), str(jobs[-1].number) if jobs else None)
        self._look()
        self.set_interval(LOOK_S, self._look)

    def _look(self) -> None:
        """Bring rows and output up to date; what is as it was is not drawn anew."""
        for job in self._jobs.all():
            self._list.set_row(_row(job))
        current = self._current()
        if current is None:
            self._say("Nothing runs in the background. End a command with & or write /jobs run COMMAND.")
            return
        self._say(f"%{current.number} {current.told()}")
        shown = (str(current.number), current.output)
        if shown != self._shown:
            self._shown = shown
            body = self.query_one(DiffView)
            body.show(text_rows(visible(current.output)))
            body.scroll_end(animate=False)

    def on_option_list_option_highlighted(self) -> None:
        self._look()

    def on_option_list_option_selected(self) -> None:
        self.action_view()

    def _current(self) -> Job | None:
        found = [job for job in self._jobs.all() if str(job.number) == self._list.current]
        return found[0] if found else None

    async def action_stop(self) -> None:
        if (job := self._current()) is not None:
            await asyncio.to_thread(self._jobs.stop, job)
            self._look()

    def action_view(self) -> None:
        from orchestrator.tui.screens.view import ViewScreen

        if (job := self._current()) is not None:
            self.app.push_screen(ViewScreen(job.command, text_rows(visible(job.output))))

    def action_scroll(self, direction: int) -> None:
        body = self.query_one(DiffView)
        body.scroll_relative(y=direction * max(body.size.height // 2, 1), animate=False)

    def action_close(self) -> None:
        self.dismiss(None)

    def _say(self, text: str) -> None:
        self.query_one("#says", Static).update(Content(one_line(text, 300)), layout=False)


def _row(job: Job) -> Row:
    running = job.state == "running"
    code = "" if job.exit_code is None else f"exit {job.exit_code}"
    spent = time.time() - job.began if running else job.seconds
    return Row(
        str(job.number),
        (
            Cell(f"%{job.number}", "dim"),
            Cell(job.state, "bold" if running else "dim"),
            Cell(code, "$text-error" if job.exit_code else "dim"),
            Cell(span(spent), "dim"),
            Cell(job.by, "dim"),
            Cell(job.command),
        ),
    )
