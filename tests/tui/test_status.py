"""The status line says where prompts go, when they leave this machine."""

from __future__ import annotations

from orchestrator.tui.widgets.status import Status, line


def test_a_host_that_prompts_go_to_stands_beside_the_model() -> None:
    here = Status(project="heron", model="qwen2.5:7b", mode="ask", sandbox="bwrap")
    away = Status(
        project="heron", model="qwen2.5:7b", mode="ask", sandbox="bwrap", sent_to="vps.example:11434"
    )
    assert "→" not in line(here, 120).plain
    assert "qwen2.5:7b → vps.example:11434 · ask · bwrap" in line(away, 120).plain
    assert "→ vps.example:11434" in line(away, 60).plain, "what it is about is the last to go"
