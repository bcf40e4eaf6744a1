"""The `orch` command: each subcommand is imported only when it is called.

`orch --version` costs no more than importing typer, because nothing else is imported for it.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from orchestrator.errors import OrchError

__version__ = "0.1.0"

COMMANDS: dict[str, tuple[str, str]] = {
    "app": ("app", "Open the terminal app (what `orch` alone does)."),
    "ask": ("ask", "Ask once, headless: answer on stdout, events with --json."),
    "run": ("run_goal", "Pursue a goal alone, on a branch, within budgets."),
    "runs": ("runs", "List autonomous runs; show, stop, pause, resume, edit one."),
    "chat": ("chat", "Talk in a plain terminal, without the app."),
    "init": ("init", "Register a project and create its documents."),
    "note": ("note", "Record a decision, lesson, blocker or next step."),
    "handoff": ("handoff", "Make the handoff documents anew, or check them."),
    "recall": ("recall", "Find what was said and decided before."),
    "goals": ("goals", "Propose the project's next goals; start none."),
    "log": ("log", "Read the journal."),
    "warm": ("warm", "Make the next session's first answer quick."),
    "context": ("context", "Show what is in the model's window, and what is cached."),
    "rewind": ("rewind", "Go back to before a prompt: files and conversation."),
    "show": ("show", "Open what a citation rests on: a record or a commit."),
    "import": ("import_", "Take in conversations of other programs."),
    "export": ("export", "Give back what was said, as JSON lines or Markdown."),
    "forget": ("forget", "Remove what a record says, everywhere and for good."),
    "serve": ("serve", "Be the hub: answer paired devices, and sync with them."),
    "edge": ("edge", "Ask from a phone: a peer where one answers, else the local model."),
    "device": ("device", "Pair devices with this hub, list and revoke them."),
    "pair": ("pair", "Become a device of a hub."),
    "sync": ("sync", "Exchange records with a paired peer."),
    "conflicts": ("conflicts", "Documents that two devices changed at once."),
    "model": ("model", "List, get, choose and test models."),
    "watch": ("watch", "Run a check when files change; offer a run when it fails."),
    "rules": ("rules", "What is always allowed, asked or denied in a project."),
    "config": ("config", "Read and change settings."),
    "sandbox": ("sandbox", "Run a command as the agent would; say what confines it."),
    "doctor": ("doctor", "Say what is there, what is missing and what to do."),
}
"""name -> (module in orchestrator.commands, one line of help)."""


class LazyGroup(TyperGroup):
    """A group whose commands are modules, loaded by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"orchestrator.commands.{COMMANDS[cmd_name][0]}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] in ("--install-completion", "--show-completion"):
            from orchestrator.commands.complete import set_up

            set_up(ctx, *args[:2])
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"orch {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """A terminal agent on a local model, whose intelligence lives in documents.

    Without a command it opens a session in this folder.

    Example: orch ask "Which function raises QuotaExceeded?"
    """
    if context.invoked_subcommand is None:
        from orchestrator.commands.app import open_app

        open_app()


def main() -> None:
    """Entry point: every expected error is one sentence on stderr and an exit code."""
    _leave_ascii()
    _complete_streams()
    try:
        app()
    except OrchError as error:
        from orchestrator.terminal import plain

        print(f"orch: {plain(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            _defect(error)
        print("orch: The disk is full. Free some space, then try again.", file=sys.stderr)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  # a defect of ours: kept for a report, not thrown at the user
        _defect(error)


def _leave_ascii() -> None:
    """Start over in UTF-8 mode where the locale knows ASCII only, and Python was told to obey it: no
    other name of a file, prompt or command could be passed on."""
    ascii_only = codecs.lookup(sys.getfilesystemencoding()).name == "ascii"
    if ascii_only and sys.executable and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _complete_streams() -> None:
    """Closed streams are replaced, or the next file opened would stand where messages go."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # for good
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):  # a terminal that is not UTF-8 must not cost an answer
            stream.reconfigure(errors="replace")


def _defect(error: Exception) -> NoReturn:
    print(f"orch: {_kept(error)}", file=sys.stderr)
    sys.exit(1)


def _kept(error: Exception) -> str:
    """The sentence for an unexpected error, whose details go to a file in the node's home."""
    import traceback

    from orchestrator import durable
    from orchestrator.paths import home
    from orchestrator.terminal import one_line

    what = one_line(f"Unexpected {type(error).__name__}: {error}", 200)
    try:
        path = home().root / "crash.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, "".join(traceback.format_exception(error)).encode("utf-8", "replace"))
    except OSError:
        return f"{what} The details could not be kept: {home().root} cannot be written."
    return f"{what} This is a defect; the details are in {path}."


if __name__ == "__main__":
    main()
