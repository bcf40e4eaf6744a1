"""One line for this system's shell: how it is run, and what of it is about background jobs. Pure."""

from __future__ import annotations

import base64
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from typing import Literal

_ASKS = re.compile(r"(jobs|fg)(?:\s+-\w+)*((?:\s+%?\d+)?)\s*|(kill)(?:\s+-\w+)*((?:\s+%\d+)+)\s*")


@dataclass(frozen=True, slots=True)
class Background:
    """A line about jobs: `start` one that runs `command`, `list` all, show `output`, or `stop` `jobs`."""

    what: Literal["start", "list", "output", "stop"]
    command: str = ""
    jobs: tuple[str, ...] = ()


def background(line: str) -> Background | None:
    """What a line means for background jobs: `make &`, `jobs`, `jobs %1`, `kill %1`; None for a command."""
    if asked := _ASKS.fullmatch(line.strip()):
        names = tuple((asked[2] or asked[4] or "").split())
        if asked[3]:
            return Background("stop", jobs=names)
        return Background("output" if names else "list", jobs=names)
    command = line.rstrip().removesuffix("&").rstrip()
    if command and _ends_in_background(line):
        return Background("start", command)
    return None


def _ends_in_background(line: str) -> bool:
    """Whether the last word of the line is `&`, as the shell reads it; and the only one: `a & b &` is two."""
    if sys.platform == "win32" or not re.search(r"[^\\&]&\s*\Z", line):
        return False
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>\n")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:  # a quote that is never closed
        return False
    return words.count("&") == 1 and words[-1] == "&"


def shell_argv(command: str) -> list[str]:
    """How this system's shell runs one command line, without start-up files."""
    if sys.platform == "win32":
        return powershell_argv("pwsh" if shutil.which("pwsh") else "powershell", command)
    if shutil.which("bash"):
        return ["bash", "--noprofile", "--norc", "-c", command]
    return ["sh", "-c", command]


def powershell_argv(program: str, command: str) -> list[str]:
    """The command in UTF-16 and base64, so that no quoting of Windows touches it; the exit code is its own.

    Written from the documentation of about_Powershell_exe; not seen working.
    """
    before = (
        "$ProgressPreference = 'SilentlyContinue'; [Console]::OutputEncoding = [Text.UTF8Encoding]::new()"
    )
    after = "if ($?) { exit 0 } elseif ($LASTEXITCODE) { exit $LASTEXITCODE } else { exit 1 }"
    text = base64.b64encode(f"{before}\n{command}\n{after}".encode("utf-16-le")).decode()
    return [
        program,
        "-NoLogo",
        "-NoProfile",
        "-NonInteractive",
        "-OutputFormat",
        "Text",
        "-EncodedCommand",
        text,
    ]


def shell_name() -> str:
    """As the prompt names it to the model."""
    if sys.platform == "win32":
        return "PowerShell"
    return "bash" if shutil.which("bash") else "sh"
