"""Runs a tool's command in the sandbox and turns its outcome into a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.ports import OutputSink
from orchestrator.tools import runner
from orchestrator.tools.runner import Outcome
from orchestrator.tools.sandbox import Sandbox
from orchestrator.types import ToolResult

TerminalSize = Callable[[], tuple[int, int]]
"""Columns and rows of the terminal that shows the output, asked when a command starts."""


NETWORK = "[the network was open for this command]"
NO_OUTPUT = "[no output; exit code 0]"


class Commands:
    """Commands of one project, all under the same sandbox and limits."""

    def __init__(
        self, root: Path, sandbox: Sandbox, timeout_s: float, terminal: TerminalSize | None = None
    ) -> None:
        self._root = root
        self._sandbox = sandbox
        self._timeout_s = timeout_s
        self._terminal = terminal
        self.network = False
        """Open for the next command, because a person said so."""

    def taken(self) -> bool:
        """Whether the network is open for the command that starts now; it is off again for the next."""
        was, self.network = self.network, False
        return was

    @property
    def confined(self) -> bool:
        return self._sandbox.tier != "none"

    async def run(self, argv: Sequence[str], sink: OutputSink) -> ToolResult:
        """Run `argv` in the project, confined. Raises `ToolError` if it cannot be started."""
        network = self.taken()
        wrapped = self._sandbox.wrap(argv, project=self._root, writable=True, network=network)
        result = await self.run_wrapped(wrapped, sink)
        return replace(result, text=f"{result.text}\n{NETWORK}") if network else result

    async def run_wrapped(
        self, argv: Sequence[str], sink: OutputSink, env: dict[str, str] | None = None
    ) -> ToolResult:
        """Run a command line that is already wrapped."""
        with self._sandbox.guard(self._root):
            outcome = await runner.run(
                argv,
                cwd=self._root,
                timeout_s=self._timeout_s,
                sink=sink,
                env=env,
                terminal=self._terminal() if self._terminal else None,
            )
        return result_of(outcome, self._timeout_s)


def result_of(outcome: Outcome, timeout_s: float) -> ToolResult:
    """How a command ended, as a model reads it."""
    output = outcome.output.rstrip("\n")
    if outcome.timed_out:
        said = f"[stopped after {timeout_s:g} s; exit code {outcome.exit_code}]"
    elif outcome.disk_full:
        said = "[stopped: it had nearly filled the disk. Remove what it wrote.]"
    elif outcome.exit_code < 0:
        said = f"[ended by signal {-outcome.exit_code}]"
    elif outcome.exit_code:
        said = f"[exit code {outcome.exit_code}]"
    else:
        said = "" if output else NO_OUTPUT
    return ToolResult(
        outcome.exit_code == 0,
        f"{output}\n{said}".strip("\n") if said else output,
        exit_code=outcome.exit_code,
        truncated=outcome.truncated,
    )
