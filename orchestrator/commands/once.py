"""One prompt, from the session's opening to its end: what `orch ask` and `orch edge ask` have in common."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable

from orchestrator.agent.session import Session
from orchestrator.commands import console
from orchestrator.commands.running import Interrupts, play
from orchestrator.errors import OrchError
from orchestrator.events import Event, Notice

Renderer = console.Plain | console.Json | console.Quiet


def renderer(*, as_json: bool, quiet: bool) -> Renderer:
    """What the options ask for, on the standard streams."""
    if as_json:
        return console.Json(sys.stdout)
    return console.Quiet(sys.stdout) if quiet else console.Plain(sys.stdout, sys.stderr)


async def once(
    session: Session,
    turn: AsyncIterator[Event],
    notices: Iterable[Notice],
    shown: Renderer,
) -> int:
    """Open the session, play the turn, close the session; the exit code: 0 answered, 130 interrupted.

    Raises `OrchError`, after the session has been closed as failed.
    """
    reason = "failed"
    try:
        with Interrupts(session).caught():
            for notice in notices:
                shown.show(notice)
            await play(session.open(), shown)
            answer = await play(turn, shown)
            reason = "interrupted" if answer and answer.interrupted else "done"
    except asyncio.CancelledError:
        reason = "interrupted"
    except OrchError as error:
        if isinstance(shown, console.Plain):
            shown.end_line()
        elif isinstance(shown, console.Json):
            shown.write({"type": "error", "message": error.message, "remedy": error.remedy})
        raise
    finally:
        for event in await session.close(reason):
            shown.show(event)
    return 130 if reason == "interrupted" else 0
