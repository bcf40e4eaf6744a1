"""`orch sandbox`: a command run as the agent's shell tool would run it, and what confines it here."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.errors import SandboxError, UsageError
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from orchestrator.tools.runner import Outcome
    from orchestrator.tools.sandbox import Sandbox

app = typer.Typer(rich_markup_mode=None, add_completion=False)

NOT_RUN = 125
"""Exit code when there is no sandbox, so that the command was not run: no command of ours, like docker's."""
_PIPE_CLOSED = 141


def complete_tiers(incomplete: str) -> list[str]:
    from orchestrator.tools.sandbox import TIERS

    return [tier for tier in TIERS if tier.startswith(incomplete)]


@app.command(epilog="Example: orch sandbox --timeout 60 -- 'pytest -q | tail -3'")
def sandbox(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="One command line for bash; several words are quoted.", show_default=False),
    ] = None,
    tier: Annotated[
        str, typer.Option(help="bwrap or landlock (default: the best here).", autocompletion=complete_tiers)
    ] = "",
    timeout: Annotated[float, typer.Option(help="Seconds; 0: as tools.timeout_s says.", min=0)] = 0,
    network: Annotated[bool, typer.Option("--network", help="Open the network for this command.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Say instead what is enforced here, and what is not.")
    ] = False,
    json_: Annotated[
        bool, typer.Option("--json", help="The outcome, or the status, as one JSON object.")
    ] = False,
) -> None:
    """Run COMMAND confined in this folder's project, exactly as the agent's shell tool would.

    Output and exit code are the command's own: 124 when its time was up, 125 when there is no sandbox and
    it was not run.
    """
    from orchestrator.config import load
    from orchestrator.paths import home
    from orchestrator.tools.sandbox import TIERS, chosen
    from orchestrator.tools.shell_line import shell_argv
    from orchestrator.workspaces import root_of

    if tier and tier not in TIERS:
        raise UsageError(f"There is no sandbox {tier!r}.", f"Choose one of {', '.join(TIERS)}.")
    if bool(command) == status:
        raise UsageError("Give one command line, or --status.", "Example: orch sandbox -- 'ls | wc -l'")
    where = home()
    settings = load(where.config).tools
    box = chosen(tier or settings.sandbox, where)
    if status:
        _show_status(box, json_)
        return
    if box.tier == "none":
        error = SandboxError(f"{box.reason} The command was not run.", "See `orch sandbox --status`.")
        error.exit_code = NOT_RUN
        raise error
    assert command is not None
    line = command[0] if len(command) == 1 else shlex.join(command)
    root = root_of(Path())
    seconds = timeout or settings.timeout_s
    argv = box.wrap(shell_argv(line), project=root, writable=True, network=network)
    with box.guard(root):
        if json_:
            sys.exit(_as_json(box, line, network, argv, root, seconds))
        sys.exit(_passed_through(argv, root, seconds))


def _passed_through(argv: list[str], root: Path, seconds: float) -> int:
    from orchestrator.tools import passthrough

    sys.stdout.flush()
    running = passthrough.run(argv, cwd=root, timeout_s=seconds, out=1, err=2)
    try:
        code, _ = _interruptible(running)
    except BrokenPipeError:
        return _PIPE_CLOSED
    if code == 124:
        print(f"orch: stopped after {seconds:g} s", file=sys.stderr)
    return _shell_code(code)


def _as_json(box: Sandbox, line: str, network: bool, argv: list[str], root: Path, seconds: float) -> int:
    from orchestrator.tools import runner

    outcome: Outcome = _interruptible(runner.run(argv, cwd=root, timeout_s=seconds, sink=lambda piece: None))
    told = {"command": line, "folder": str(root), "tier": box.tier, "network": network, **asdict(outcome)}
    told["exit_code"] = _shell_code(outcome.exit_code)
    print(json.dumps(told, indent=2))
    return int(told["exit_code"])


def _shell_code(code: int) -> int:
    """After a signal 128 and more, as a shell has it."""
    return code if code >= 0 else 128 - code


def _interruptible(running: Coroutine[Any, Any, Any]) -> Any:
    """Ctrl+C and polite kills end the command, with what it started, and then us."""
    came: list[int] = []

    async def whole() -> Any:
        task = asyncio.ensure_future(running)

        def end(number: int) -> None:
            came.append(number)
            task.cancel()

        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            if hasattr(signal, name):  # not loop.add_signal_handler: Windows has none
                signal.signal(getattr(signal, name), lambda number, _: loop.call_soon_threadsafe(end, number))
        return await task

    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        sys.exit(128 + (came[0] if came else signal.SIGINT))


def _show_status(box: Sandbox, as_json: bool) -> None:
    from orchestrator.tools.sandbox import TIERS, tried

    tiers = {name: tried(name) for name in TIERS}
    if as_json:
        about = {name: {"works": one.tier == name, "reason": one.reason} for name, one in tiers.items()}
        told = {"tier": box.tier, "reason": box.reason, "tiers": about}
        print(json.dumps({**told, "stops": box.stops, "does_not_stop": box.leaves}, indent=2))
        return
    print(f"Commands run in the tier: {box.tier}" + (f" ({one_line(box.reason)})" if box.reason else ""))
    for name, one in tiers.items():
        works = "works here" if one.tier == name else one_line(one.reason)
        print(f"  {name:<9} {works}")
    for title, lines in (("Stopped:", box.stops), ("Not stopped:", box.leaves)):
        if lines:
            print("", title, *(f"  - {line}" for line in lines), sep="\n")
