"""What stands in the worktree: checked, judged, kept as a commit or taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from orchestrator.agent.recorder import Recorder
from orchestrator.autonomy import judging
from orchestrator.autonomy.check import Check
from orchestrator.autonomy.ending import PASSES
from orchestrator.autonomy.happenings import CheckRun
from orchestrator.autonomy.outcome import Outcome
from orchestrator.autonomy.tree_texts import TreeTexts
from orchestrator.autonomy.worktree import Worktree
from orchestrator.types import ToolCall, ToolResult

RESULT_CHARS = 4000


class Workbench:
    """`outcome` is what the check said last of what is committed, or is being judged; `passes` how often in a
    row it has passed. `trailer` ends the message of each commit."""

    def __init__(
        self, worktree: Worktree, texts: TreeTexts, check: Check | None, outcome: Outcome | None, trailer: str
    ) -> None:
        self.worktree = worktree
        self.texts = texts
        self.check = check
        self.outcome = outcome
        self.passes = 0
        self._trailer = trailer

    async def stage(self) -> tuple[str, tuple[str, ...]]:
        """The diff against the last commit, and the paths in it; both empty where nothing changed."""
        self.texts.forget()
        diff = await asyncio.to_thread(self.worktree.stage)
        return diff, await asyncio.to_thread(self.worktree.staged) if diff else ()

    async def broken(self, changed: tuple[str, ...]) -> str:
        """Which of the files does not parse any more, and why; empty where all do."""
        return await asyncio.to_thread(judging.broken, changed, self.worktree.old, self.texts.text)

    async def checked(self, recorder: Recorder) -> AsyncIterator[CheckRun]:
        """Run the check, and while it passes again, until it passed often enough; nothing it writes stays."""
        self.passes = 0
        while self.check is not None and self.passes < PASSES:
            outcome, output = await self.check.run(self.texts.paths())
            call = ToolCall("shell", {"command": self.check.command})
            text = f"{output[-RESULT_CHARS:]}\n[exit code {outcome.exit_code}]"
            result = ToolResult(outcome.ok, text, exit_code=outcome.exit_code)
            cited = recorder.tool_result(call, result, recorder.tool_call(call).record)
            self.outcome = outcome
            self.passes += outcome.ok
            yield CheckRun(
                self.check.command,
                outcome.exit_code,
                outcome.failed,
                outcome.passed,
                outcome.lines,
                cited.citation,
            )
            if not outcome.ok:
                break
        await asyncio.to_thread(self.worktree.restore)

    async def keep(self, title: str, evidence: str = "") -> str:
        """What is staged, as a commit; its short id."""
        body = f"{self._trailer}\nEvidence: {evidence}" if evidence else self._trailer
        return await asyncio.to_thread(self.worktree.commit, title, body)

    async def take_back(self, before: Outcome | None) -> None:
        """As it was at the last commit, of which the check said `before`."""
        await asyncio.to_thread(self.worktree.take_back)
        self.outcome, self.passes = before, 0
        self.texts.forget()
