"""Whether a call may happen: free, after a question, or not at all. Pure.

The parser labels and the operating system enforces: `sandboxed` means that the sandbox was tried
and holds. A "yes" never takes a command out of the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.types import Decision, Effect, Mode


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is a sentence: the model reads it after a "deny", the person with an "ask"."""

    decision: Decision
    reason: str = ""


ALLOW = Verdict("allow")


def decide(
    mode: Mode,
    effect: Effect,
    sandboxed: bool,
    read_only_project: bool = False,
    rule: Decision | None = None,
) -> Verdict:
    """What `mode` says about a call of this effect, and what a person's `rule` makes of that.

    `read_only_project`: the project cannot be written at all (read-only disk, no permission). A rule may
    always be stricter. It allows only what the mode would ask for, and no command outside the sandbox.
    """
    verdict = _of_mode(mode, effect, sandboxed, read_only_project)
    if verdict.decision == "deny" or rule is None or effect == "answer":
        return verdict
    if rule == "deny":
        return Verdict("deny", "A rule of this project denies it (`orch rules`). Do without it.")
    if rule == "ask":
        return Verdict("ask", verdict.reason or "A rule of this project asks each time (`orch rules`).")
    confined = effect != "command" or sandboxed
    return ALLOW if confined else verdict


def _of_mode(mode: Mode, effect: Effect, sandboxed: bool, read_only_project: bool) -> Verdict:
    if effect in ("read", "note", "answer"):
        return ALLOW
    if mode is Mode.READ_ONLY:
        return Verdict(
            "deny", f"The mode is read-only: {_plural(effect)} are off. Use search and read, then answer."
        )
    if effect == "write" and read_only_project:
        return Verdict("deny", "The project cannot be written here. Say in the answer what should change.")
    if mode is Mode.AUTO and not sandboxed:
        return Verdict("deny", "The mode is auto, and there is no sandbox: only reading is left.")
    if mode is Mode.ASK:
        return Verdict("ask", f"The mode is ask: {_plural(effect)} need a yes.")
    if effect == "command" and not sandboxed:
        return Verdict("ask", "There is no sandbox here: each command needs a yes.")
    return ALLOW


def _plural(effect: Effect) -> str:
    return {"write": "changes to files", "command": "commands"}[effect]
