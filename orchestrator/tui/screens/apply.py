"""The whole diff of a run, and whether it is merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orchestrator.terminal import one_line
from orchestrator.tui.screens.dialog import Dialog
from orchestrator.tui.unified import Row
from orchestrator.tui.widgets.diff import DiffView
from orchestrator.tui.widgets.key_hints import KeyHints


class ApplyScreen(Dialog[bool]):
    """`into` is the branch that it would be merged into; empty where it only shows. Enter means nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "merge"),
        Binding("n,escape", "back", "not now", key_display="n"),
        Binding("home", "ends(False)", "top"),
        Binding("end", "ends(True)", "bottom"),
    ]

    def __init__(self, title: str, rows: Sequence[Row], into: str) -> None:
        super().__init__()
        self._into = into
        added, removed = (sum(row.kind == kind for row in rows) for kind in ("added", "removed"))
        question = f" · merge it into {one_line(into, 60)}?" if into else ""
        self._title = Content.assemble((title, "bold"), f" · +{added} −{removed}{question}")
        self._body = DiffView(rows)
        self._keys = KeyHints(self.BINDINGS)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title")
            yield self._body
            yield self._keys

    def on_mount(self) -> None:
        self._body.focus()
        if not self._into:
            self._keys.only(("back", "ends"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "answer" or bool(self._into)

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)

    def action_back(self) -> None:
        self.dismiss(False)

    def action_ends(self, end: bool) -> None:
        (self._body.scroll_end if end else self._body.scroll_home)(animate=False)
