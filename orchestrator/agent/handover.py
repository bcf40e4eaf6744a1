"""What survives a rollover, as lines that a person may change. Pure.

goal: make `charge` refuse at zero
decision: use PostgreSQL because SQLite locks under our writers
done: Changed `utils/quota.py`: +3 −1 [S7f3a#4, verified]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.types import NOTE_KINDS, Handover, HandoverLine, ToolCall

KINDS: tuple[str, ...] = tuple(kind for kind in NOTE_KINDS if kind != "goal")
"""Of the lines that are notes; the goal has a line of its own."""
LINE_CHARS = 400
"""More is no line that somebody wrote for the next instance."""
_EXPLAINED = (
    "# What the next instance is told besides the documents. Change it, or delete lines; one line each,",
    f"# {', '.join(('goal', *KINDS))} or done, then a colon and the text.",
)


def to_text(handover: Handover) -> str:
    """The handover for an editor; `of_text` reads it back."""
    lines = [*_EXPLAINED, f"goal: {handover.goal}".rstrip(), *map(shown, handover.lines)]
    if handover.known:
        lines += ["#", "# In the documents already:", *(f"# {line}" for line in handover.known)]
    return "\n".join(lines) + "\n"


def of_text(text: str, proposed: Handover) -> Handover:
    """The handover that a person made of `proposed`; a line that is not as it was has no evidence."""
    as_it_was = {shown(line): line for line in proposed.lines}
    goal, lines = "", []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        kind, colon, rest = line.partition(":")
        kind, rest = kind.strip().lower(), rest.strip()
        if kind == "goal" and colon:
            goal = rest
        elif line in as_it_was:
            lines.append(as_it_was[line])
        elif colon and kind in (*KINDS, "done"):
            lines.append(_line("note" if kind == "done" else kind, rest))
        else:
            lines.append(_line("note", line))
    return Handover(goal, tuple(line for line in lines if line.text), proposed.known)


def shown(line: HandoverLine) -> str:
    """One line, as people and the next instance read it."""
    because = f" because {line.because}" if line.because else ""
    evidence = f" [{line.evidence}]" if line.evidence else ""
    return f"{line.kind}: {line.text}{because}{evidence}"


def opening(goal: str, lines: Iterable[str], known: str) -> str:
    """What stands before the next instance's first prompt; empty when there is nothing to say.

    A line whose text stands in `known`, which that instance reads anyway, is not said twice.
    """
    said = [line for line in lines if line.partition(": ")[2].partition(" [")[0] not in known]
    if goal and goal not in known:
        said.insert(0, f"goal: {goal}")
    return "\n".join(["The instance before you handed over:", *said]) if said else ""


def noted(call: ToolCall, before: Sequence[HandoverLine], asked: str = "") -> HandoverLine | None:
    """The line of a model's `note` call; None when it says nothing, nothing new, or what it was `asked`."""
    kind, text = str(call.arguments.get("kind", "")), _flat(call.arguments.get("text", ""))
    if (
        kind not in KINDS
        or not text
        or _plain(text) in _plain(asked)
        or _plain(text) in {_plain(line.text) for line in before}
    ):
        return None
    return HandoverLine(kind, text, _flat(call.arguments.get("because", "")))


def _line(kind: str, text: str) -> HandoverLine:
    said, _, because = text.partition(" because ")
    return HandoverLine(kind, _flat(said), _flat(because))


def _flat(value: object) -> str:
    text = " ".join(str(value).split())[:LINE_CHARS]
    return "".join(letter for letter in text if letter.isprintable())


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
