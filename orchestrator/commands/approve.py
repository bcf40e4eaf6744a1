"""Asking a person in a plain terminal."""

from __future__ import annotations

import asyncio
import sys

from orchestrator.agent.approval import Always, Never
from orchestrator.agent.handover import of_text, to_text
from orchestrator.commands.editor import edited
from orchestrator.ports import Approver
from orchestrator.terminal import plain, visible
from orchestrator.types import Approval, Handover, Preview, ToolCall

QUESTION = "y yes · {network}n no · r no, because… · a always for {name} in this {where} › "
NETWORK = "w yes, with network · "
HANDED_OVER = "y hand over · e edit · n not now › "
BODY_LINES = 60


class Person:
    """Shows the preview on stderr and reads the answer from the terminal."""

    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        where = " · ".join([*preview.labels, "sandboxed" if preview.sandboxed else "NOT sandboxed"])
        print(f"\n{visible(preview.title, lines=False)}  ({where})", file=sys.stderr)
        lines = visible(preview.body).splitlines()
        for line in lines[:BODY_LINES]:
            print(f"  {line}", file=sys.stderr)
        if len(lines) > BODY_LINES:
            print(f"  … {len(lines) - BODY_LINES} more lines", file=sys.stderr)
        scope = "project" if preview.sandboxed else "session"
        network = NETWORK if preview.network else ""
        question = QUESTION.format(network=network, name=call.name, where=scope)
        while True:
            key = (await self._read(question)).strip().lower()
            if key in ("y", "yes"):
                return Approval(True)
            if key in ("a", "always"):
                return Approval(True, always=True)
            if key in ("w", "network") and preview.network:
                return Approval(True, network=True)
            if key in ("n", "no", ""):
                return Approval(False)
            if key in ("r", "reason"):
                return Approval(False, reason=plain(await self._read("because › ")))

    async def review(self, handover: Handover) -> Handover | None:
        """Show what survives a rollover; it can be changed in $EDITOR."""
        text = to_text(handover)
        while True:
            print(visible(text), end="", file=sys.stderr)
            key = (await self._read(HANDED_OVER)).strip().lower()
            if key in ("y", "yes"):
                return of_text(text, handover)
            if key in ("n", "no"):
                return None
            if key in ("e", "edit"):
                text = await asyncio.to_thread(edited, text)

    async def _read(self, question: str) -> str:
        print(question, end="", file=sys.stderr, flush=True)
        line = await _line()
        return line or "n"  # end of input is a no


async def _line() -> str:
    """One line of the terminal, cancellable: a thread blocked in a read would eat the next one."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(sys.stdin.fileno(), ready.set)
    except NotImplementedError:  # Windows
        return await asyncio.to_thread(sys.stdin.readline)
    try:
        await ready.wait()
        return sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin.fileno())


def approver(choice: str | None) -> Approver:
    """Who answers: as `--approve` says, else a person where there is a terminal, else nobody."""
    if choice == "always":
        return Always()
    if choice == "never" or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return Never()
    return Person()
