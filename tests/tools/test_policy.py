from __future__ import annotations

import pytest

from orchestrator.tools.policy import decide
from orchestrator.types import Effect, Mode


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("sandboxed", [True, False])
@pytest.mark.parametrize("effect", ["read", "note", "answer"])
def test_reading_and_noting_are_always_free(mode: Mode, effect: Effect, sandboxed: bool) -> None:
    assert decide(mode, effect, sandboxed).decision == "allow"


@pytest.mark.parametrize(
    ("mode", "effect", "sandboxed", "decision"),
    [
        (Mode.READ_ONLY, "write", True, "deny"),
        (Mode.READ_ONLY, "command", True, "deny"),
        (Mode.ASK, "write", True, "ask"),
        (Mode.ASK, "command", True, "ask"),
        (Mode.WORKSPACE, "write", False, "allow"),
        (Mode.WORKSPACE, "command", True, "allow"),
        (Mode.WORKSPACE, "command", False, "ask"),
    ],
)
def test_modes(mode: Mode, effect: Effect, sandboxed: bool, decision: str) -> None:
    verdict = decide(mode, effect, sandboxed)
    assert verdict.decision == decision
    assert bool(verdict.reason) == (decision != "allow")


@pytest.mark.parametrize("mode", list(Mode))
def test_no_command_runs_unconfined_without_a_yes(mode: Mode) -> None:
    assert decide(mode, "command", sandboxed=False).decision != "allow"


@pytest.mark.parametrize("mode", list(Mode))
def test_a_read_only_project_denies_writes(mode: Mode) -> None:
    assert decide(mode, "write", True, read_only_project=True).decision == "deny"
