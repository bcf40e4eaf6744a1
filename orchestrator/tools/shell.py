"""`shell`: one command line for bash, or for PowerShell on Windows."""

from __future__ import annotations

import shutil
import sys

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools.command import Commands
from orchestrator.tools.labels import labels
from orchestrator.tools.text import unfence
from orchestrator.types import Label, Parameter, Preview, ToolCall, ToolResult, ToolSpec

_MOST = 100_000


class Shell:
    spec = ToolSpec(
        "shell",
        "bash: tests, install, build, lint, system",
        (Parameter("command", "for the shell"),),
        "command",
    )

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def preview(self, call: ToolCall) -> Preview:
        return Preview("shell", _command(call), self._commands.confined, labels_of(_command(call)))

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        command = _command(call)
        if not command.strip():
            raise ToolError("The command is empty.", "Give a command such as ls.")
        if len(command.encode("utf-8", "replace")) > _MOST or "\0" in command:
            raise ToolError("The command is too long or holds a NUL character.", "Write a script and run it.")
        return await self._commands.run(shell_argv(command), sink)


def _command(call: ToolCall) -> str:
    command = str(call.arguments["command"])
    fenced = unfence(command)
    command = fenced[1].rstrip("\n") if fenced else command
    return command.removeprefix("$ ")


def labels_of(command: str) -> tuple[Label, ...]:
    """What a command line for this system's shell seems to do."""
    return labels(command, powershell=sys.platform == "win32")


def shell_argv(command: str) -> list[str]:
    """How this system's shell runs one command line, without start-up files."""
    if sys.platform == "win32":
        program = "pwsh" if shutil.which("pwsh") else "powershell"
        return [program, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", command]
    if shutil.which("bash"):
        return ["bash", "--noprofile", "--norc", "-c", command]
    return ["sh", "-c", command]
