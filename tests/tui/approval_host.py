"""A screen with the approval panel above a text field, and a clock that stands still."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

import orchestrator.tui
from orchestrator.tui.widgets.approval import ApprovalPanel, TuiApprover
from orchestrator.types import Approval, Preview, ToolCall

STYLES = Path(orchestrator.tui.__file__).parent / "styles"
EDIT = ToolCall("edit", {"path": "utils/quota.py", "old": "if a < b:", "new": "if a <= b:"})
DIFF = """--- a/utils/quota.py
+++ b/utils/quota.py
@@ -4,5 +4,5 @@
 # Amounts are in [cents].
 def charge(account, amount):
-    if account.left < amount:
+    if account.left <= amount:
         raise QuotaExceeded(account.name)
     account.left -= amount
"""
CHANGE = Preview("edit utils/quota.py", DIFF)
SHELL = ToolCall("shell", {"command": "rm -rf build && make [all]"})
COMMAND = Preview("shell", "rm -rf build && make [all]", sandboxed=False)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Host(App[None]):
    CSS_PATH = STYLES / "approval.tcss"
    CSS = """
    #chat { height: 1fr; padding: 0 1; }
    #prompt { height: 3; border: none; border-top: solid $primary; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, theme: str = "textual-dark") -> None:
        super().__init__()
        self.clock = Clock()
        self.panel = ApprovalPanel(clock=self.clock, id="approval")
        self.approver = TuiApprover(self.panel)
        self.prompt = TextArea(id="prompt")
        self.prompt.cursor_blink = False
        self.asked: asyncio.Task[Approval] | None = None
        self._theme_name = theme
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        yield Static("Let charge() accept an amount that is just what is left.", id="chat")
        yield self.panel
        yield self.prompt

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.prompt.focus()

    async def action_focus_panel(self) -> None:
        self.panel.focus()

    # --- what a test does -------------------------------------------------------------------

    async def ask(self, pilot: Pilot[Any], call: ToolCall = EDIT, preview: Preview = CHANGE) -> None:
        """Ask in a task of its own, as the conductor does."""
        self.asked = asyncio.create_task(self.approver.approve(call, preview))
        await pilot.pause()
        await pilot.pause()

    async def later(self, pilot: Pilot[Any], seconds: float) -> None:
        """The clock goes on, and the panel looks at it."""
        self.clock.now += seconds
        self.panel.tick()
        await pilot.pause()

    async def attend(self, pilot: Pilot[Any]) -> None:
        """Until the panel has the focus by itself, and keys may answer."""
        await self.later(pilot, 0.8)
        assert self.panel.has_focus
        await self.later(pilot, 0.6)

    @property
    def answer(self) -> Approval | None:
        """None while nobody has answered."""
        return self.asked.result() if self.asked and self.asked.done() else None
