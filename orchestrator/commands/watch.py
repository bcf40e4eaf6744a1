"""`orch watch`: runs the project's check when files change, and offers a run when it begins to fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.goals import start_command
from orchestrator.errors import SandboxError, UsageError
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from orchestrator.autonomy.watcher import Turned, Watcher
    from orchestrator.paths import Home
    from orchestrator.tools.sandbox import Sandbox
    from orchestrator.vcs import Repository
    from orchestrator.workspaces import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_DEBOUNCE_S = 1.0
_TIMEOUT_S = 300.0
_WIDTH = 300
_KEPT_CHARS = 4000


@app.command(epilog="Example: orch watch --check 'pytest -q tests'")
def watch(
    check: str = typer.Option(
        "", metavar="COMMAND", help="Passes with exit code 0 (default: the tests, as tier 2 names them)."
    ),
    project: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = None,
    debounce: float = typer.Option(
        _DEBOUNCE_S, min=0.05, max=3600, metavar="S", help="Seconds without a change before the check runs."
    ),
    timeout: float = typer.Option(
        _TIMEOUT_S, min=1, metavar="S", help="Seconds that the check may take; then it counts as failing."
    ),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line."),
) -> None:
    """Run a check whenever files of the project change, and say when it begins to fail or passes again.

    Nothing is said while the check passes. When it fails, the `orch run` command that would mend it is shown;
    in a terminal, y starts it. The check runs in the sandbox; Ctrl+C ends the watch.
    """
    from orchestrator.autonomy.check import Check
    from orchestrator.autonomy.tree_state import tree_state
    from orchestrator.autonomy.watcher import Watcher
    from orchestrator.config import load
    from orchestrator.paths import home
    from orchestrator.tools.sandbox import chosen
    from orchestrator.workspaces import open_project

    place, where = open_project(project or Path()), home()
    box = chosen(load(where.config).tools.sandbox, where)
    if box.tier == "none":
        raise SandboxError(f"{box.reason} The check was not run.", "See `orch sandbox --status`.")
    repository = _repository(place, box)
    command = check.strip() or _known(place, repository)
    look = partial(tree_state, place.root, repository)
    watcher = Watcher(place.root, Check(command, place.root, box, timeout), look, debounce)
    asks = not as_json and sys.stdin.isatty() and sys.stdout.isatty() and sys.platform != "win32"
    desk = _Desk(place, where, command, project, repository, asks, as_json)
    about = one_line(f"{place.name}: {command}", _WIDTH)
    print(f"Watching {about}; Ctrl+C ends it.", file=sys.stderr, flush=True)
    asyncio.run(_until_interrupted(watcher, desk))


def _repository(place: Project, box: Sandbox) -> Repository | None:
    """The project's, to be read only."""
    from orchestrator.vcs import Repository

    return Repository.find(place.root, lambda argv: box.wrap(argv, project=place.root, writable=False))


def _known(place: Project, repository: Repository | None) -> str:
    from orchestrator.handoff.suite_command import suite_command

    command = suite_command(place.root, repository)
    if not command:
        raise UsageError(
            "No command that runs the tests is known here.",
            "Give --check 'COMMAND', or write it as `code` into PROJECT_CONTEXT.md.",
        )
    return command


@dataclass(slots=True)
class _Desk:
    """Tells and asks. A question is open until it is answered, or the check passes again."""

    place: Project
    where: Home
    command: str
    given: Path | None
    repository: Repository | None
    asks: bool
    as_json: bool
    asked: bool = False

    @property
    def goal(self) -> str:
        return f"Make the check pass: `{one_line(self.command)}`"

    def tell(self, turned: Turned) -> None:
        self._record(turned)
        failing = turned.state == "failing"
        start = start_command(self.goal, self.command, self.given)
        unseen = self._uncommitted() if failing else []
        if self.as_json:
            told = _json(turned, self.command) | (
                {"command": start, "uncommitted": unseen} if failing else {}
            )
            print(json.dumps(told, ensure_ascii=False), flush=True)
            return
        if self.asked:
            print(flush=True)  # nobody answered
        line = f"{time.strftime('%H:%M:%S')} {_sentence(turned)}"
        line += f" {_unseen(len(unseen))}" if unseen else ""
        self.asked = self.asks and failing
        if self.asked:
            print(f"{line} Start a run on it? [y/N] ", end="", flush=True)
        else:
            print(line + (f" {one_line(start)}" if failing else ""), flush=True)

    def _uncommitted(self) -> list[str]:
        """What a run would not have: it starts from the last commit."""
        from orchestrator.handoff import git_state

        return (
            [path for path in self.repository.dirty() if not git_state.is_own(path)]
            if self.repository
            else []
        )

    def answered(self) -> None:
        """A line was typed."""
        said = sys.stdin.readline()
        if not said:  # end of input: nobody is there to ask
            asyncio.get_running_loop().remove_reader(sys.stdin)
            self.asks = self.asked = False
        elif self.asked:
            self.asked = False
            if said.strip().lower() in ("y", "yes"):
                self._start()

    def _start(self) -> None:
        """The run takes the terminal until it ends; its Ctrl+C is not ours."""
        argv = [sys.executable, "-m", "orchestrator.cli", "run", self.goal, "--check", self.command]
        # a handler, and not SIG_IGN, which the run would inherit
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            subprocess.run([*argv, "--project", str(self.place.root)], check=False)
        finally:
            signal.signal(signal.SIGINT, before)

    def _record(self, turned: Turned) -> None:
        """For `orch goals`, and whoever looks into the journal: a test that a tool ran."""
        from orchestrator.journal.store import SqliteJournal
        from orchestrator.types import Entry

        body = {
            "command": self.command,
            "exit_code": turned.outcome.exit_code,
            "text": turned.output[-_KEPT_CHARS:],
            "by": "watch",
        }
        with SqliteJournal.open(self.where) as journal:
            journal.append([Entry("test", body, self.place.id, secrets.token_hex(16))])


def _sentence(turned: Turned) -> str:
    if turned.state == "passing":
        return "The check passes again."
    how = "did not end in time" if turned.timed_out else f"fails, exit {turned.outcome.exit_code}"
    counted = turned.outcome.failed
    tests = f", {counted} failed" if counted else ""
    after = f" after {one_line(', '.join(turned.changed[:3]), 120)}" if turned.changed else ""
    return one_line(f"The check {how}{tests}{after}.", _WIDTH)


def _unseen(files: int) -> str:
    from orchestrator.documents.plain import counted

    return f"A run starts from the last commit, without {counted(files, 'file', 'files')} that changed since."


def _json(turned: Turned, command: str) -> dict[str, object]:
    outcome = turned.outcome
    return {
        "type": "check",
        "state": turned.state,
        "check": command,
        "exit_code": outcome.exit_code,
        "timed_out": turned.timed_out,
        "failed": outcome.failed,
        "passed": outcome.passed,
        "lines": list(outcome.lines),
        "changed": list(turned.changed),
    }


async def _until_interrupted(watcher: Watcher, desk: _Desk) -> None:
    """Tell what turns, until a signal ends it; the check that runs then is ended with us."""
    loop = asyncio.get_running_loop()

    async def tell() -> None:
        async for turned in watcher.watch():
            desk.tell(turned)

    task = asyncio.ensure_future(tell())
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):  # not loop.add_signal_handler: Windows has none
            signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(task.cancel))
    if desk.asks:
        loop.add_reader(sys.stdin, desk.answered)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    if desk.asked:
        print(flush=True)
