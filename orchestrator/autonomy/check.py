"""Runs the check of a goal: confined, with a time limit, its output read as data."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.autonomy.outcome import Outcome, read
from orchestrator.tools import runner
from orchestrator.tools.sandbox import Sandbox
from orchestrator.tools.shell_line import shell_argv


@dataclass(frozen=True, slots=True)
class Check:
    """`command` is one line for the shell, of a person's; it runs in `project` for at most `timeout_s`."""

    command: str
    project: Path
    sandbox: Sandbox
    timeout_s: float

    async def run(self, known: Sequence[str]) -> tuple[Outcome, str]:
        """What it says, and its output. `known` are the project's files. Raises `ToolError`."""
        argv = self.sandbox.wrap(shell_argv(self.command), project=self.project, writable=True)
        with self.sandbox.guard(self.project):
            ended = await runner.run(
                argv, cwd=self.project, timeout_s=self.timeout_s, sink=lambda piece: None
            )
        return read(ended.exit_code, ended.output, known), ended.output


class OwnSources:
    """A sandbox in which Python finds the packages of this tree before those that are installed: an editable
    install of the user's tree would be tested instead."""

    def __init__(self, sandbox: Sandbox, project: Path) -> None:
        self._sandbox = sandbox
        self._project = project

    @property
    def tier(self) -> str:
        return self._sandbox.tier

    @property
    def reason(self) -> str:
        return self._sandbox.reason

    @property
    def stops(self) -> tuple[str, ...]:
        return self._sandbox.stops

    @property
    def leaves(self) -> tuple[str, ...]:
        return self._sandbox.leaves

    def wrap(
        self,
        argv: Sequence[str],
        *,
        project: Path,
        writable: bool,
        network: bool = False,
        also_readable: Sequence[Path] = (),
        also_writable: Sequence[Path] = (),
    ) -> list[str]:
        folders = [folder for folder in (self._project / "src", self._project) if folder.is_dir()]
        return self._sandbox.wrap(
            ["env", f"PYTHONPATH={':'.join(map(str, folders))}", *argv],
            project=project,
            writable=writable,
            network=network,
            also_readable=also_readable,
            also_writable=also_writable,
        )

    def guard(self, project: Path) -> AbstractContextManager[None]:
        return self._sandbox.guard(project)
