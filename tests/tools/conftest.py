"""A project on disk and its real toolbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.config import ToolSettings
from orchestrator.tools.sandbox import NoSandbox, Sandbox, probe
from orchestrator.tools.toolbox import Toolbox
from orchestrator.types import ToolCall, ToolResult


@dataclass
class Bench:
    """A toolbox with what it streamed and noted."""

    root: Path
    toolbox: Toolbox
    settings: ToolSettings
    notes: list[ToolCall]
    streamed: list[str] = field(default_factory=list)

    def __call__(self, name: str, **arguments: object) -> ToolResult:
        return asyncio.run(self.toolbox.run(ToolCall(name, arguments), self.streamed.append))

    def out_of_time(self, name: str, sign: str, **arguments: object) -> ToolResult:
        """Run the call; its time is up as soon as it has printed `sign`."""

        async def run() -> ToolResult:
            loop = asyncio.get_running_loop()
            clock, up = loop.time, self.settings.timeout_s

            def sink(text: str) -> None:
                self.streamed.append(text)
                if sign in "".join(self.streamed):
                    loop.time = lambda: clock() + up  # type: ignore[method-assign]

            return await self.toolbox.run(ToolCall(name, arguments), sink)

        return asyncio.run(run())

    def file(self, path: str, content: str | bytes = "") -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def bench_in(project: Path, sandbox: Sandbox, **settings: int) -> Bench:
    notes: list[ToolCall] = []

    def record(call: ToolCall) -> str:
        notes.append(call)
        return f"S1#{len(notes)}"

    limits = ToolSettings(**settings)  # type: ignore[arg-type]
    toolbox = Toolbox(
        project,
        sandbox=sandbox,
        settings=limits,
        notes=record,
        checkpoints=project / ".orchestrator" / "checkpoints",
    )
    return Bench(project, toolbox, limits, notes)


@pytest.fixture
def bench(project: Path) -> Bench:
    """Unconfined, for the tools that run nothing."""
    return bench_in(project, NoSandbox("a test"))


@pytest.fixture(params=["bwrap", "none"])
def commands(request: pytest.FixtureRequest, project: Path) -> Callable[..., Bench]:
    """Makes a toolbox that runs commands, in each tier."""

    def make(**settings: int) -> Bench:
        sandbox = probe() if request.param == "bwrap" else NoSandbox("a test")
        assert sandbox.tier == request.param, sandbox.reason
        return bench_in(project, sandbox, **settings)

    return make


@pytest.fixture
def confined(project: Path) -> Bench:
    sandbox = probe()
    assert sandbox.tier == "bwrap", sandbox.reason
    return bench_in(project, sandbox)
