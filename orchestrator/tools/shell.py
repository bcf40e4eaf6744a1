"""`shell`: one command line for bash, or for PowerShell on Windows."""

from __future__ import annotations

import asyncio
import sys

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools.command import Commands
from orchestrator.tools.jobs import Job, Jobs
from orchestrator.tools.labels import labels
from orchestrator.tools.shell_line import Background, background, shell_argv, shell_name
from orchestrator.tools.text import unfence
from orchestrator.types import Effect, Label, Parameter, Preview, ToolCall, ToolResult, ToolSpec

_MOST = 100_000
SETTLE_S = 1.0
"""What fails at once shows it in this time; what serves has said so."""
_TAIL_LINES = 40


class Shell:
    spec = ToolSpec(
        "shell",
        f"{shell_name()}: tests, install, build, lint, system",
        (Parameter("command", "for the shell"),),
        "command",
    )

    def __init__(self, commands: Commands, jobs: Jobs, settle_s: float = SETTLE_S) -> None:
        self._commands = commands
        self._jobs = jobs
        self._settle_s = settle_s

    def effect(self, call: ToolCall) -> Effect:
        """ "read" for looking at background jobs and for ending one's own; "command" else."""
        asked = background(_command(call))
        return "command" if asked is None or asked.what == "start" else "read"

    def preview(self, call: ToolCall) -> Preview:
        asked = background(_command(call))
        title = "shell, in the background" if asked and asked.what == "start" else "shell"
        confined = self._commands.confined
        return Preview(title, _command(call), confined, labels_of(_command(call)), network=confined)

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        command = _command(call)
        if not command.strip():
            raise ToolError("The command is empty.", "Give a command such as ls.")
        if len(command.encode("utf-8", "replace")) > _MOST or "\0" in command:
            raise ToolError("The command is too long or holds a NUL character.", "Write a script and run it.")
        if (asked := background(command)) is not None:
            return await self._background(asked, sink)
        return await self._commands.run(shell_argv(command), sink)

    async def _background(self, asked: Background, sink: OutputSink) -> ToolResult:
        if asked.what == "list":
            return ToolResult(True, listing(self._jobs))
        if asked.what == "start":
            job = self._jobs.start(asked.command, "model", network=self._commands.taken())
            ended = await self._jobs.settled(job, self._settle_s)
            sink(job.output)
            if ended:
                return ToolResult(job.exit_code == 0, told(job), exit_code=job.exit_code)
            said = f"[job {job.number} runs in the background: `jobs %{job.number}` shows its output, "
            return ToolResult(True, f"{said}`kill %{job.number}` ends it]\n{tail(job)}".rstrip())
        found = [self._jobs.find(name) for name in asked.jobs]
        for job in found if asked.what == "stop" else ():
            await asyncio.to_thread(self._jobs.stop, job)
        return ToolResult(True, "\n".join(told(job) for job in found))


def listing(jobs: Jobs) -> str:
    """One line a job."""
    lines = [f"%{job.number}  {job.told()}  {job.command}" for job in jobs.all()]
    return "\n".join(lines) or "There is no background job."


def told(job: Job) -> str:
    """A job's state, and the last of what it printed."""
    return f"[job {job.number} {job.told()}]\n{tail(job)}".rstrip()


def tail(job: Job) -> str:
    lines = job.output.rstrip("\n").split("\n")
    left = len(lines) - _TAIL_LINES
    return "\n".join([f"[… {left} lines before]", *lines[-_TAIL_LINES:]] if left > 0 else lines)


def _command(call: ToolCall) -> str:
    command = str(call.arguments["command"])
    fenced = unfence(command)
    command = fenced[1].rstrip("\n") if fenced else command
    return command.removeprefix("$ ")


def labels_of(command: str) -> tuple[Label, ...]:
    """What a command line for this system's shell seems to do."""
    return labels(command, powershell=sys.platform == "win32")
