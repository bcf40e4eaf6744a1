"""Going back to before a prompt: files and conversation together, in an open session or without one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from orchestrator.agent.conversation import Conversation
from orchestrator.agent.points import NOTED, REWIND, Point, Points
from orchestrator.agent.tiers import KnownTiers
from orchestrator.checkpoints.plan import Plan
from orchestrator.checkpoints.restore import Restored, planned, restore
from orchestrator.errors import UsageError
from orchestrator.types import Entry, Record

Rewriting = Callable[[Iterable[str]], AbstractContextManager[None]]
"""Brings the documents of these sessions up to date with what is recorded inside the context."""


@dataclass(frozen=True, slots=True)
class Went:
    """Where one went back to. `turns` is how many prompts are hidden now."""

    point: Point
    files: Restored
    turns: int

    def told(self) -> str:
        """For a person: what is as it was, and what is not."""
        lines = [f"Back before {self.point.name}: {self.point.title}"]
        lines += [f"  restored {path}" for path in self.files.done]
        lines += [f"  left as it is: {path} ({why})" for path, why in self.files.left]
        if not (self.files.done or self.files.left):
            lines.append("  no file had to be changed")
        if self.turns:
            lines.append(
                f"  {self.turns} {'turn is' if self.turns == 1 else 'turns are'} out of the conversation"
            )
        return "\n".join(lines)


def go_back(
    points: Points,
    point: Point,
    wanted: Plan,
    session: str,
    rewriting: Rewriting,
    *,
    files: bool = True,
    conversation: bool = True,
    overwrite: bool = False,
    opened: str = "",
) -> Went:
    """Restore the files of a plan and hide what was said since; recorded in `session`.

    Of the session that is `opened` no document says anything yet, notes aside.

    Raises `OrchError`s; what was restored by then stays, and can be taken back.
    """
    label, name = f"{REWIND} to {point.name}", uuid.uuid4().hex
    points.store.begin(session, name)
    done = restore(points.store, wanted, label, overwrite=overwrite) if files else Restored((), ())
    hidden = points.later(point) if conversation else []
    body = {
        "event": REWIND,
        "to": point.id,
        "point": name,
        "files": list(done.done),
        "left": [path for path, _ in done.left],
        "hidden": len(hidden),
    }
    written = {record.session for record in hidden if record.session != opened or record.kind in NOTED}
    with rewriting(written) if written else nullcontext():
        points.journal.append([Entry("session", body, points.project, session)])
        points.hide(hidden, session)
    return Went(point, done, sum(_is_prompt(record) for record in hidden))


@dataclass
class _Mark:
    """How the conversation stood before a prompt."""

    messages: int
    tiers: dict[str, str]


class Rewinding:
    """Of one open session: cuts its conversation, too. The model's KV cache is cut where the prompt is.

    `forget` tells the tools that nothing they showed is in the window any more.
    """

    def __init__(
        self,
        points: Points,
        session: str,
        conversation: Conversation,
        tiers: KnownTiers,
        rewriting: Rewriting,
        forget: Callable[[], None],
    ) -> None:
        self.points = points
        self._session = session
        self._conversation = conversation
        self._tiers = tiers
        self._rewriting = rewriting
        self._forget = forget
        self._marks: dict[str, _Mark] = {}

    def turn(self, prompt: Record) -> None:
        """A turn begins: what it changes belongs to it. Call before anything is added to the conversation."""
        self._marks[prompt.id] = _Mark(len(self._conversation.messages), dict(self._tiers.seen))
        self.points.store.begin(self._session, prompt.id)

    def plan(self, point: Point) -> Plan:
        """What going back would do to the files; changes nothing."""
        return planned(self.points.store, self.points.changes_since(point))

    def go(
        self, point: Point, *, files: bool = True, conversation: bool = True, overwrite: bool = False
    ) -> Went:
        """Go back. Raises `UsageError` where there is nothing to go back to."""
        if point.record is None and not files:
            raise UsageError(f"{point.name} changed files only.", "Leave out `conversation`.")
        wanted = self.plan(point)
        went = go_back(
            self.points,
            point,
            wanted,
            self._session,
            self._rewriting,
            files=files,
            conversation=conversation,
            overwrite=overwrite,
            opened=self._session,
        )
        if conversation and point.record is not None:
            self._cut(point.id)
        self._forget()
        return went

    def _cut(self, point: str) -> None:
        """Of a turn of an earlier session all of this conversation is later."""
        names = list(self._marks)
        if not names:
            return
        mark = self._marks.get(point) or self._marks[names[0]]
        self._conversation.drop_tail(len(self._conversation.messages) - mark.messages)
        self._tiers.seen = dict(mark.tiers)
        for name in names[names.index(point) if point in names else 0 :]:
            del self._marks[name]


def _is_prompt(record: Record) -> bool:
    return record.kind == "message" and (record.body or {}).get("role") == "user"
