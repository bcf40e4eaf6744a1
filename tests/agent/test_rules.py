"""Rules of a project: kept, obeyed at once, stricter than the mode or as free as the sandbox allows."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent.approval import Gate
from orchestrator.paths import Home
from orchestrator.tools.policy import decide
from orchestrator.tools.sandbox import NoSandbox
from orchestrator.types import DECISIONS, Approval, Decision, Effect, Mode, ToolCall
from orchestrator.workspaces import ProjectRules, Registry
from tests.agent.test_edited_call import Says
from tests.agent.test_session import Tools
from tests.commands.orch import run
from tests.tools.conftest import bench_in

WRITE = ToolCall("write", {"path": "a", "content": "b"})
SHELL = ToolCall("shell", {"command": "ls"})
STRICT = {"allow": 0, "ask": 1, "deny": 2}
EFFECTS: tuple[Effect, ...] = ("read", "write", "command", "note", "answer")


def gate(home: Home, approver: Says, *, mode: Mode = Mode.ASK, sandbox: str = "bwrap") -> Gate:
    return Gate(mode, Tools(sandbox=sandbox), approver, rules=ProjectRules(Registry(home), "p1"))


def admitted(opened: Gate, call: ToolCall) -> bool:
    return asyncio.run(opened.admit(call)).yes


def test_always_is_a_rule_of_the_project_and_holds_in_the_next_session(orch_home: Home) -> None:
    says = Says(Approval(True, always=True))
    assert admitted(gate(orch_home, says), WRITE)
    assert Registry(orch_home).rules("p1") == {"write": "allow"}
    assert Registry(orch_home).rules("p2") == {}
    no = Says(Approval(False))
    assert admitted(gate(orch_home, no), WRITE)
    assert no.asked == 0
    assert not admitted(gate(orch_home, no), SHELL), "the rule is for that tool only"


def test_always_for_an_unconfined_command_is_not_kept(orch_home: Home) -> None:
    says = Says(Approval(True, always=True))
    opened = gate(orch_home, says, sandbox="none")
    assert admitted(opened, SHELL)
    assert admitted(opened, SHELL)
    assert says.asked == 1
    assert Registry(orch_home).rules("p1") == {}


def test_a_rule_made_elsewhere_holds_at_once(orch_home: Home) -> None:
    says = Says(Approval(True))
    opened = gate(orch_home, says, mode=Mode.WORKSPACE)
    assert admitted(opened, SHELL)
    assert says.asked == 0
    Registry(orch_home).set_rule("p1", "shell", "ask")
    assert admitted(opened, SHELL)
    assert says.asked == 1
    Registry(orch_home).set_rule("p1", "shell", "deny")
    assert not admitted(opened, SHELL)
    assert not opened.possible(ToolCall("shell", {})), "the grammar leaves it out"
    Registry(orch_home).drop_rule("p1", "shell")
    assert admitted(opened, SHELL)


def test_a_registry_that_cannot_be_used_decides_nothing_in_favour(orch_home: Home) -> None:
    told: list[str] = []
    orch_home.registry.write_text("{}")
    orch_home.run.write_text("in the way of the lock")
    says = Says(Approval(True, always=True))
    rules = ProjectRules(Registry(orch_home), "p1")
    opened = Gate(Mode.WORKSPACE, Tools(), says, rules=rules, warn=told.append)
    assert admitted(opened, WRITE)
    assert says.asked == 1, "workspace mode would not ask, but a rule may"
    assert "cannot be" in " ".join(told)


def test_a_command_line_given_to_run_is_the_shells(tmp_path: Path) -> None:
    tools = bench_in(tmp_path, NoSandbox("not here")).toolbox
    assert tools.named(ToolCall("run", {"code": "ls -la"})) == "shell"
    assert tools.named(ToolCall("python", {"code": "print(1)"})) == "run"
    assert tools.named(ToolCall("bash", {"command": "ls"})) == "shell"
    assert tools.named(ToolCall("shell", {})) == "shell"
    assert tools.named(ToolCall("nothing", {})) == "nothing"


@given(
    st.sampled_from(list(Mode)),
    st.sampled_from(EFFECTS),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, *DECISIONS]),
)
def test_no_rule_widens_what_the_sandbox_and_read_only_allow(
    mode: Mode, effect: Effect, sandboxed: bool, read_only: bool, rule: Decision | None
) -> None:
    plain = decide(mode, effect, sandboxed, read_only)
    ruled = decide(mode, effect, sandboxed, read_only, rule)
    if plain.decision == "deny":
        assert ruled.decision == "deny"
    if effect == "command" and not sandboxed:
        assert ruled.decision != "allow"
    if mode is Mode.READ_ONLY and effect in ("write", "command"):
        assert ruled.decision == "deny"
    if rule in ("ask", "deny") and effect != "answer":
        assert STRICT[ruled.decision] >= STRICT[rule]
    if effect == "answer":
        assert ruled.decision == "allow"
    assert bool(ruled.reason) == (ruled.decision != "allow")


def test_the_command_lists_makes_and_removes_rules(tmp_path: Path, orch_home: Home) -> None:
    assert run("rules", "add", "deny", "shell", cwd=tmp_path).stdout == f"deny shell in {tmp_path.name}\n"
    assert json.loads(run("rules", "list", "--json", cwd=tmp_path).stdout) == {"shell": "deny"}
    assert run("rules", "add", "maybe", "shell", cwd=tmp_path).returncode == 2
    assert "There is no tool" in run("rules", "add", "deny", "sheel", cwd=tmp_path).stderr
    assert run("rules", "rm", "shell", cwd=tmp_path).returncode == 0
    assert run("rules", "rm", "shell", cwd=tmp_path).returncode == 2
    assert run("rules", "list", cwd=tmp_path).stdout == ""
